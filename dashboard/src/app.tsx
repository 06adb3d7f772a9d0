/** Composition: who is signed in decides between the pages and the way in. */
import { MantineProvider } from '@mantine/core';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { isSignedOut, RequestFailed } from './api/client.ts';
import { LiveProvider } from './api/live.tsx';
import { keys, useMe } from './api/queries.ts';
import { Failure, Loading } from './elements/notice.tsx';
import { CloneBanner } from './enrolment/clone-notice.tsx';
import { FleetPage } from './fleet/fleet-page.tsx';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';
import { SignedOut } from './shell/signed-out.tsx';
import { cssVariables, theme } from './theme.ts';
import { TrustBanner } from './trust/trust-banner.tsx';

// the fleet comes with the page; the others when they are first opened
const DevicePage = lazy(async () => ({ default: (await import('./device/device-page.tsx')).DevicePage }));
const ReleasesPage = lazy(async () => ({
  default: (await import('./releases/releases-page.tsx')).ReleasesPage,
}));
const ReleasePage = lazy(async () => ({
  default: (await import('./releases/release-page.tsx')).ReleasePage,
}));
const ChannelsPage = lazy(async () => ({
  default: (await import('./channels/channels-page.tsx')).ChannelsPage,
}));
const EnrolmentPage = lazy(async () => ({
  default: (await import('./enrolment/enrolment-page.tsx')).EnrolmentPage,
}));
const GroupsPage = lazy(async () => ({ default: (await import('./groups/groups-page.tsx')).GroupsPage }));
const GroupPage = lazy(async () => ({ default: (await import('./groups/group-page.tsx')).GroupPage }));
const RolloutsPage = lazy(async () => ({
  default: (await import('./rollouts/rollouts-page.tsx')).RolloutsPage,
}));
const RolloutPage = lazy(async () => ({
  default: (await import('./rollouts/one/rollout-page.tsx')).RolloutPage,
}));
const NewRolloutPage = lazy(async () => ({
  default: (await import('./rollouts/make/new-page.tsx')).NewRolloutPage,
}));
const TrustPage = lazy(async () => ({ default: (await import('./trust/trust-page.tsx')).TrustPage }));
const BoardsPage = lazy(async () => ({ default: (await import('./boards/boards-page.tsx')).BoardsPage }));
const PeoplePage = lazy(async () => ({ default: (await import('./people/people-page.tsx')).PeoplePage }));
const AuditPage = lazy(async () => ({ default: (await import('./audit/audit-page.tsx')).AuditPage }));

/** A refused request is refused again; only a server that is away is worth asking again. */
const isWorthRetrying = (failures: number, error: unknown): boolean =>
  failures < 3 && error instanceof RequestFailed && (error.status === 0 || error.status >= 500);

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // any 401 means that the session ended: ask who we are, which shows the way in
      if (isSignedOut(error)) void client.invalidateQueries({ queryKey: keys.me });
    },
  }),
  defaultOptions: { queries: { staleTime: 10_000, retry: isWorthRetrying } },
});

function Pages() {
  return (
    <Switch>
      <Route path="/" component={FleetPage} />
      <Route path="/devices/:id">{({ id }) => <DevicePage key={id} id={id} />}</Route>
      <Route path="/releases" component={ReleasesPage} />
      <Route path="/releases/:app/:version">
        {({ app, version }) => <ReleasePage app={app} version={version} />}
      </Route>
      <Route path="/channels" component={ChannelsPage} />
      <Route path="/enrolment" component={EnrolmentPage} />
      <Route path="/groups" component={GroupsPage} />
      <Route path="/groups/:name">{({ name }) => <GroupPage key={name} />}</Route>
      <Route path="/rollouts" component={RolloutsPage} />
      <Route path="/rollouts/new" component={NewRolloutPage} />
      <Route path="/rollouts/:id">{({ id }) => <RolloutPage key={id} id={id} />}</Route>
      <Route path="/boards" component={BoardsPage} />
      <Route path="/people" component={PeoplePage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/trust" component={TrustPage} />
      <Route component={NotFound} />
    </Switch>
  );
}

function SignedIn() {
  const me = useMe();
  if (me.data === null) return <SignedOut />;
  if (me.data === undefined)
    return me.error ? <Failure error={me.error} onRetry={() => void me.refetch()} /> : <Loading />;
  return (
    <LiveProvider>
      <Shell me={me.data}>
        <CloneBanner />
        <TrustBanner />
        <Suspense fallback={<Loading rows={8} height={28} />}>
          <Pages />
        </Suspense>
      </Shell>
    </LiveProvider>
  );
}

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <Switch>
          <Route path="/signed-out" component={SignedOut} />
          <Route component={SignedIn} />
        </Switch>
      </QueryClientProvider>
    </MantineProvider>
  );
}
