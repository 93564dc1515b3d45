// SPDX-License-Identifier: Apache-2.0
// The types that the client is published with are true: recgate.js is what recgate.d.ts declares, no more and no less; and the call page, which is
// checked against the declaration as any other application would be, uses nothing that is not there.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const WEB = fileURLToPath(new URL('../../../signaling/web/', import.meta.url));
const CONTRACT = path.join(WEB, 'contract.ts'); // exists in here only
const OPTIONS = {
  noEmit: true, allowJs: true, checkJs: true, allowImportingTsExtensions: true, types: [], skipDefaultLibCheck: true,
  target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
};
/** Beside a declaration TypeScript never looks at the module itself; under this name it does. */
const MODULE = 'the-module-itself';

/** One line for each thing that TypeScript finds wrong. */
function complaints(roots, contract) {
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) => (name === CONTRACT ? ts.createSourceFile(name, contract, OPTIONS.target) : getSourceFile(name, ...rest));
  host.fileExists = (name) => name === CONTRACT || fileExists(name);
  host.resolveModuleNameLiterals = (literals, from, redirected, options) => literals.map(({ text }) => (text === MODULE
    ? { resolvedModule: { resolvedFileName: path.join(WEB, 'recgate.js'), extension: '.js', isExternalLibraryImport: false } }
    : ts.resolveModuleName(text, from, options, host)));
  const program = ts.createProgram(roots.map((name) => path.join(WEB, name)), OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const at = file ? `${path.basename(file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : '';
    return at + ts.flattenDiagnosticMessageText(messageText, ' ');
  });
}

test('/page/types/the-client-is-what-is-declared-and-the-page-uses-it-so', () => {
  const contract = `
    import * as made from '${MODULE}';
    import * as declared from './recgate.js';
    type Client = Pick<declared.RecgateClient, Exclude<keyof declared.RecgateClient, keyof EventTarget>>;
    const client: Client = new made.RecgateClient({ token: '' });
    const withdraw: typeof declared.withdrawWithKey = made.withdrawWithKey;
    const error: declared.RecgateError = new made.RecgateError('code', 'message');
    type None<T> = [T] extends [never] ? 'none' : T;
    const undeclaredMembers: None<Exclude<keyof made.RecgateClient, keyof declared.RecgateClient>> = 'none';
    const undeclaredExports: None<Exclude<keyof typeof made, keyof typeof declared>> = 'none';
    const missingExports: None<Exclude<keyof typeof declared, keyof typeof made>> = 'none';
    // What an application gets wrong is found.
    // @ts-expect-error
    client.grant({ media: ['smell'] });
    // @ts-expect-error
    client.withdrawEverything();
    // @ts-expect-error
    client.request({ purpose: 'education' });
    new declared.RecgateClient().addEventListener('ask', ({ detail }) => detail.disclosure.retention_s.toFixed());
    export { undeclaredMembers, undeclaredExports, missingExports, withdraw, error };
  `;
  assert.deepEqual(complaints(['call.js', 'recgate.js', 'contract.ts'], contract), []);
});
