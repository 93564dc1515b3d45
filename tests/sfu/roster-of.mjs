// SPDX-License-Identifier: Apache-2.0
// What an application with an SFU of its own does for R8: it says again and again who is there (docs/relays.md).

/** One comparison: {status, json: {n, unknown}}. */
export const compare = (daemon, session, participants, echo) =>
  daemon.post(`/v1/sessions/${session}/roster`, daemon.token('any', 'backend', 'service'), { participants, ...(echo ? { echo } : {}) });

/** Until the function that it returns is called; who() gives the ids of those who are there. */
export function comparing(daemon, session, who, every_ms = 300) {
  let going = true, echo;
  const over = (async () => {
    while (going) {
      const { status, json } = await compare(daemon, session, await who(), echo);
      echo = status === 200 ? json.n : undefined; // nobody has joined yet
      await new Promise((resolve) => setTimeout(resolve, every_ms));
    }
  })();
  return async () => {
    going = false;
    await over;
  };
}
