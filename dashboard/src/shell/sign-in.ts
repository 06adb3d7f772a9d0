/** Ways in, and one's own password. Pages of the server, not of the API: they are on this listener alone. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { SignInWays, type SetPassword, type SignIn } from '@wafer/protocol/api';
import { call, nothing } from '../api/client.ts';
import { keys } from '../api/queries.ts';

export const useSignInWays = () =>
  useQuery({
    queryKey: ['sign-in-ways'],
    queryFn: ({ signal }) => call(SignInWays, '/sign-in/ways', { signal, root: '' }),
  });

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: SignIn) => call(nothing, '/sign-in', { method: 'POST', body: given, root: '' }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.me }),
  });
}

export const useSetPassword = () =>
  useMutation({
    mutationFn: (body: SetPassword) => call(nothing, '/me/password', { method: 'PUT', body }),
  });
