/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl evidence: makes a session's bundle, leaf first (R20), or checks one without anything but the file and a key (R25). */
#include <stdio.h>
#include <string.h>

#include "pipelines/evidence/bundle.h"
#include "pipelines/evidence/html.h"
#include "signaling/recgatectl-output.h"
#include "signaling/recgatectl-vault.h"
#include "signaling/token.h"

static GBytes *make(Vault *vault, const CtlOptions *options, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(options->data, vault, error);
  json_auto_t *known =
      reader ? vault_reader_session(reader, options->session, error) : NULL; /* nothing is put on the ledger of a misspelt one */
  json_t *leaf = known ? json_pack("{s:s, s:s, s:s}", "type", "access", "by", g_get_user_name(), "what", "evidence") : NULL;
  return known && ctl_leaf_append(vault, options->session, leaf, error)
             ? bundle_make(reader, vault, &(BundleWish){.session = options->session}, error)
             : NULL;
}

static gboolean write_out(CtlOutput *output, GBytes *bundle, gboolean force, GError **error) {
  gsize n = 0;
  const guint8 *bytes = g_bytes_get_data(bundle, &n);
  return ctl_output_write(bytes, n, output) ? ctl_output_finish(output, force, error) : ctl_output_failed(output, error);
}

static gboolean evidence_make(const CtlOptions *options, GError **error) {
  if (!token_id_is_valid(options->session))
    return ctl_refuse(error, CTL_ERROR_USAGE, "which session? recgatectl evidence SESSION --data DIR, or --check FILE");
  if (!vault_process_protect(error)) /* keys are in memory from here on (fault 35) */
    return FALSE;
  g_autoptr(Vault) vault =
      ctl_vault_open(options, "what is given out must be on its ledger first: ask it by HTTP (GET /v1/sessions/SESSION/evidence)", error);
  g_autofree char *name = g_strdup_printf("%s-evidence.zip", options->session);
  CtlOutput output = {.fd = -1};
  GBytes *bundle = vault && ctl_output_open(&output, options, name, error) ? make(vault, options, error) : NULL;
  const gboolean done = bundle && write_out(&output, bundle, options->force, error);
  if (done && output.path && options->json) {
    json_auto_t *result = json_pack("{s:s, s:I}", "file", output.path, "bytes", (json_int_t)output.n_bytes);
    ctl_print_json(result);
  } else if (done && output.path)
    printf("%s: %" G_GUINT64_FORMAT " bytes\n", output.path, output.n_bytes);
  g_clear_pointer(&bundle, g_bytes_unref);
  ctl_output_clear(&output);
  return done;
}

/* A key begins with the log's name and has two plusses; what is there as a file holds it. */
static char *key_text(const char *key, GError **error) {
  char *text = NULL;
  if (!g_file_test(key, G_FILE_TEST_IS_REGULAR))
    return g_strdup(key);
  return g_file_get_contents(key, &text, NULL, error) ? g_strchomp(text) : NULL;
}

static void print_facts(const CtlOptions *options, const BundleFacts *facts) {
  if (options->json) {
    json_auto_t *result =
        json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:b}", "holds", TRUE, "session", facts->session, "title", facts->title,
                  "made_at", facts->made_at, "files", (json_int_t)facts->files, "leaves", (json_int_t)facts->leaves, "log_size",
                  (json_int_t)facts->size, "verifier", facts->verifier, "key_was_given", facts->key_was_given);
    ctl_print_json(result);
    return;
  }
  g_autofree char *title = html_plain(facts->title), *session = html_plain(facts->session), *made = html_plain(facts->made_at);
  printf("%s, session %s, made %s: holds.\n", title, session, made);
  printf("%u files, %" G_GUINT64_FORMAT " entries of the session proven in a log of %" G_GUINT64_FORMAT ".\n", facts->files, facts->leaves,
         facts->size);
  if (facts->key_was_given)
    printf("Signed by the key given.\n");
  else
    printf("Signed by the key inside it: compare %s with the one that the operator published, or give it with --key.\n", facts->verifier);
}

static gboolean evidence_check(const CtlOptions *options, GError **error) {
  g_autofree char *bytes = NULL, *key = NULL;
  gsize n = 0;
  BundleFacts facts = {0};
  g_autoptr(GError) why = NULL;
  if (options->session)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--check takes a bundle and no session");
  if (!g_file_get_contents(options->check, &bytes, &n, error) || (options->key && !(key = key_text(options->key, error))))
    return FALSE;
  if (!bundle_check((const guint8 *)bytes, n, key, &facts, &why)) {
    const gboolean unreadable = g_error_matches(why, BUNDLE_ERROR, BUNDLE_ERROR_ARCHIVE);
    g_autofree char *words = html_plain(why ? why->message : "the cryptographic library does not start");
    g_set_error(error, CTL_ERROR, unreadable ? CTL_ERROR_FILE : CTL_ERROR_VERDICT, "%s: %s", options->check, words);
    return FALSE;
  }
  print_facts(options, &facts);
  bundle_facts_clear(&facts);
  return TRUE;
}

gboolean ctl_evidence(const CtlOptions *options, GError **error) {
  return options->check ? evidence_check(options, error) : evidence_make(options, error);
}
