/** In with a password, or by single sign-on where the server has one. */
import { Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { Failure } from '../elements/notice.tsx';
import { useSignIn, useSignInWays } from './sign-in.ts';

export function SignInForm() {
  const signIn = useSignIn();
  const ways = useSignInWays();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    signIn.mutate({ email: email.trim(), password });
  };
  const sso = ways.data?.sso;
  return (
    <Stack gap="sm">
      {sso && (
        <>
          {/* a page of the server, which leads away from here */}
          <Button component="a" href="/sign-in/sso" variant="default">
            Sign in with {sso.name}
          </Button>
          <Divider label="or" />
        </>
      )}
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Email address"
            type="email"
            autoComplete="username"
            required
            value={email}
            onChange={({ currentTarget }) => setEmail(currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          />
          {signIn.error && <Failure error={signIn.error} />}
          <Button type="submit" loading={signIn.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
      <Divider />
    </Stack>
  );
}
