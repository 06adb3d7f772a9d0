/** What the page of people reads and changes. */
import { InvitedPerson, PersonList, SessionList, type Role } from '@wafer/protocol/api';
import { CreatedToken, type CreateToken, TokenList } from '@wafer/protocol/people';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import { call, nothing } from '../api/client.ts';

const PEOPLE = ['people'];

export const usePeople = () =>
  useQuery({
    queryKey: [...PEOPLE, 'list'],
    queryFn: ({ signal }) => call(PersonList, '/people', { signal }),
  });

export const useSessions = () =>
  useQuery({
    queryKey: [...PEOPLE, 'sessions'],
    queryFn: ({ signal }) => call(SessionList, '/people/sessions', { signal }),
  });

/** Whatever it changes, lists and rights may be others afterwards. */
function useChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => client.invalidateQueries({ queryKey: PEOPLE }) });
}

export const useInvite = () =>
  useChange((person: { name: string; email: string; role: Role }) =>
    call(InvitedPerson, '/people', { method: 'POST', body: person }),
  );

export const useInviteAgain = () =>
  useChange((id: string) => call(InvitedPerson, `/people/${id}/invitations`, { method: 'POST' }));

export const useChangeRole = () =>
  useChange(({ id, role }: { id: string; role: Role }) =>
    call(nothing, `/people/${id}/role`, { method: 'PUT', body: { role } }),
  );

export const useRemovePerson = () =>
  useChange((id: string) => call(nothing, `/people/${id}`, { method: 'DELETE' }));

export const useEndSession = () =>
  useChange((id: string) => call(nothing, `/people/sessions/${id}`, { method: 'DELETE' }));

export const useTokens = () =>
  useQuery({
    queryKey: [...PEOPLE, 'tokens'],
    queryFn: ({ signal }) => call(TokenList, '/tokens', { signal }),
  });

/** Of whoever is signed in. */
export const useOwnTokens = () =>
  useQuery({
    queryKey: [...PEOPLE, 'own-tokens'],
    queryFn: ({ signal }) => call(TokenList, '/me/tokens', { signal }),
  });

export const useCreateToken = () =>
  useChange((token: z.input<typeof CreateToken>) =>
    call(CreatedToken, '/tokens', { method: 'POST', body: token }),
  );

export const useRemoveToken = () =>
  useChange((id: string) => call(nothing, `/tokens/${id}`, { method: 'DELETE' }));

export const useRemoveOwnToken = () =>
  useChange((id: string) => call(nothing, `/me/tokens/${id}`, { method: 'DELETE' }));
