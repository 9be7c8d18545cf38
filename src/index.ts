/** What the package `kube-apiserver` offers to other programs: a server in their own process, for tests and tools. */
export {
  type RequestOptions,
  startTestServer as startApiServer,
  type TestServer,
  type TestServerOptions,
} from './testing/start-test-server.ts'
