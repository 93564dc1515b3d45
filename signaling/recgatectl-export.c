/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl export: one person's recording into a file, after the access is on the ledger (R20). */
#include <gst/gst.h>
#include <stdio.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/recording/export.h"
#include "signaling/recgatectl-output.h"
#include "signaling/recgatectl-vault.h"
#include "signaling/token.h"

/* The access to one person's recording (R18, R20). */
static json_t *access_leaf(const CtlOptions *options, const char *type) {
  return json_pack("{s:s, s:s, s:s, s:s}", "type", type, "by", g_get_user_name(), "what", "recording", "participant", options->participant);
}

static gboolean export_into(CtlOutput *output, Vault *vault, const CtlOptions *options, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(options->data, vault, error);
  g_autoptr(GError) why = NULL;
  json_auto_t *known = reader ? vault_reader_session(reader, options->session, error) : NULL; /* a leaf would make a misspelt one exist */
  if (!known || !ctl_leaf_append(vault, options->session, access_leaf(options, "export_begin"), error))
    return FALSE;
  if (!export_run(reader, options->session, options->participant, (guint32)options->take, ctl_output_write, output, NULL, &why)) {
    if (output->failed_errno)
      return ctl_output_failed(output, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  /* R18: a finished export is named in the acknowledgement of a later withdrawal. On the ledger before the file has its name. */
  return ctl_leaf_append(vault, options->session, access_leaf(options, "export_end"), error) &&
         ctl_output_finish(output, options->force, error);
}

static const char *extension(Vault *vault, const CtlOptions *options) {
  const ExportRange range = {.take = (guint32)options->take};
  gboolean webm = TRUE;
  g_autoptr(VaultReader) reader = vault_reader_open(options->data, vault, NULL);
  if (reader == NULL || !export_is_webm(reader, options->session, options->participant, &range, &webm, NULL))
    return "webm"; /* the export itself says what is wrong */
  return webm ? "webm" : "mkv";
}

gboolean ctl_export(const CtlOptions *options, GError **error) {
  if (!token_id_is_valid(options->session) || !token_id_is_valid(options->participant))
    return ctl_refuse(error, CTL_ERROR_USAGE, "whose recording? recgatectl export SESSION --participant P --data DIR");
  if (options->take < 0 || options->take > G_MAXUINT32)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--take is the number of a take, from 1");
  if (!vault_process_protect(error)) /* keys are in memory from here on (fault 35) */
    return FALSE;
  gst_init(NULL, NULL);
  g_autoptr(Vault) vault =
      ctl_vault_open(options, "what is given out must be on its ledger first: ask it by HTTP (GET /v1/sessions/SESSION/recording)", error);
  CtlOutput output = {.fd = -1};
  g_autofree char *name =
      g_strdup_printf("%s-%s.%s", options->session, options->participant, vault != NULL ? extension(vault, options) : "webm");
  gboolean done = vault && ctl_output_open(&output, options, name, error) && export_into(&output, vault, options, error);
  if (done && output.path && options->json) {
    json_auto_t *result = json_pack("{s:s, s:I}", "file", output.path, "bytes", (json_int_t)output.n_bytes);
    ctl_print_json(result);
  } else if (done && output.path)
    printf("%s: %" G_GUINT64_FORMAT " bytes\n", output.path, output.n_bytes);
  ctl_output_clear(&output);
  return done;
}
