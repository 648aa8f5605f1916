import { noContent } from './answer.ts'
import { CatalogError } from './error.ts'
import { quote } from './names.ts'
import { type Route, refusing } from './route.ts'

const views = 'there are no views here: a view would not be of the study’s version'
const view = 'namespaces/{namespace}/views/{view}'
const table = 'namespaces/{namespace}/tables/{table}'

/** What is accepted and not looked at, and what of the protocol there is not. Engines look for a view where there is no table: that is answered with 404. */
export function createOtherRoutes(): Route[] {
  const unsupported = (method: Route['method'], path: string, reason: string): Route =>
    refusing(method, path, 'UnsupportedOperationException', reason)
  const noView: Route['handle'] = ({ params: { namespace = '', view: name = '' } }) => {
    throw new CatalogError('NoSuchViewException', `there is no view ${quote(`${namespace}.${name}`)}: ${views}`)
  }
  return [
    // What engines measured of a scan is theirs; that it is sent must not fail their queries.
    { method: 'POST', path: `${table}/metrics`, handle: () => noContent },
    unsupported('GET', 'namespaces/{namespace}/views', views),
    unsupported('POST', 'namespaces/{namespace}/views', views),
    { method: 'GET', path: view, handle: noView, unsupported: true },
    { method: 'HEAD', path: view, handle: noView, unsupported: true },
    { method: 'POST', path: view, handle: noView, unsupported: true },
    { method: 'DELETE', path: view, handle: noView, unsupported: true },
    unsupported('POST', 'views/rename', views),
    unsupported('POST', 'namespaces/{namespace}/register-view', views),
    unsupported('POST', `${table}/plan`, 'scans are planned by the engine'),
    unsupported('POST', `${table}/tasks`, 'scans are planned by the engine'),
    unsupported('GET', `${table}/credentials`, 'engines have keys of their own for the object store'),
    unsupported('POST', `${table}/sign`, 'engines have keys of their own for the object store'),
    unsupported('POST', `${table}/unregister`, 'a table that is dropped keeps its files: drop it'),
    unsupported('GET', 'namespaces/{namespace}/functions', 'there are no functions here'),
  ]
}
