/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl vcon: a session as a signed vCon, after the access is on the ledger (R20). With --media it is an export of everybody's recordings. */
#include <errno.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/recording/export.h"
#include "signaling/recgatectl-vault.h"
#include "signaling/token.h"
#include "signaling/vcon.h"

#define MEDIA_BYTES_MAX (512 * 1024 * 1024) /* all of a vCon is one JSON text in memory, four times this */

static gboolean leaf(Vault *vault, const CtlOptions *options, const char *type, const char *participant, GError **error) {
  CtlWait wait = {0};
  json_t *event = json_pack("{s:s, s:s, s:s, s:s*}", "type", type, "by", g_get_user_name(), "what", "vcon", "participant", participant);
  if (!event)
    return ctl_refuse(error, CTL_ERROR_USAGE, "the user's name is not UTF-8");
  vault_append(vault, options->session, event, ctl_wait_done, &wait);
  return ctl_wait(&wait, error);
}

typedef struct Media {
  GByteArray *bytes;
  gsize left;
} Media;

static gboolean take_bytes(const guint8 *bytes, gsize n, gpointer user) {
  Media *media = user;
  if (n > media->left)
    return FALSE;
  media->left -= n;
  g_byte_array_append(media->bytes, bytes, (guint)n);
  return TRUE;
}

static gboolean add_dialog(json_t *vcon, gsize index, VaultReader *reader, Vault *vault, const CtlOptions *options, gsize *left,
                           GError **error) {
  const char *participant = NULL;
  guint32 take = 0;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  Media media = {bytes, *left};
  g_autoptr(GError) why = NULL;
  if (!vcon_dialog(vcon, index, &participant, &take) || !leaf(vault, options, "export_begin", participant, error))
    return FALSE;
  if (!export_run(reader, options->session, participant, take, take_bytes, &media, NULL, &why)) {
    if (g_error_matches(why, EXPORT_ERROR, EXPORT_ERROR_SINK))
      return ctl_refuse(error, CTL_ERROR_FILE, "the recordings are too large for one vCon: leave --media out and export them one by one");
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  *left = media.left;
  vcon_dialog_set_media(vcon, index, bytes->data, bytes->len);
  return leaf(vault, options, "export_end", participant, error); /* R18: on the ledger before anybody has it */
}

static gboolean add_media(json_t *vcon, VaultReader *reader, Vault *vault, const CtlOptions *options, GError **error) {
  gsize left = MEDIA_BYTES_MAX;
  if (!options->media) {
    vcon_leave_media_out(vcon);
    return TRUE;
  }
  for (gsize i = 0; i < json_array_size(json_object_get(vcon, "dialog")); i++)
    if (!add_dialog(vcon, i, reader, vault, options, &left, error))
      return FALSE;
  return TRUE;
}

static json_t *make(VaultReader *reader, Vault *vault, const CtlOptions *options, GError **error) {
  json_auto_t *session = vault_reader_session(reader, options->session, error);
  if (!session || !leaf(vault, options, "access", NULL, error))
    return NULL;
  json_auto_t *segments = vault_reader_segments(reader, options->session, error);
  json_auto_t *answers = segments ? vault_reader_answers(reader, options->session, error) : NULL;
  if (!answers)
    return NULL;
  const VconFacts facts = {session, segments, answers, vault_verifier_text(vault), g_get_real_time() / 1000};
  json_auto_t *vcon = vcon_new(&facts);
  if (!vcon || !add_media(vcon, reader, vault, options, error))
    return NULL;
  json_t *made = vcon_sign(vcon, vault);
  if (!made)
    ctl_refuse(error, CTL_ERROR_FILE, "the vCon cannot be written as JSON");
  return made;
}

static gboolean put(const json_t *vcon, const CtlOptions *options, const char *path, GError **error) {
  if (strcmp(path, "-") == 0) {
    ctl_print_json(vcon);
    return TRUE;
  }
  char *text = json_dumps(vcon, JSON_COMPACT);
  const gboolean written =
      text && g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
  free(text);
  if (written && options->json) {
    json_auto_t *result = json_pack("{s:s}", "file", path);
    ctl_print_json(result);
  } else if (written)
    printf("%s\n", path);
  return written;
}

gboolean ctl_vcon(const CtlOptions *options, GError **error) {
  if (!token_id_is_valid(options->session))
    return ctl_refuse(error, CTL_ERROR_USAGE, "which session? recgatectl vcon SESSION [--media] [-o FILE] --data DIR");
  g_autofree char *path = options->output ? g_strdup(options->output) : g_strdup_printf("%s.vcon.json", options->session);
  if (!options->force && strcmp(path, "-") != 0 && g_file_test(path, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s exists: give another -o FILE, or --force to replace it", path);
    return FALSE;
  }
  g_autoptr(Vault) vault = ctl_vault_open(options, "stop it first: a vCon is signed by its key, and its making is on its ledger", error);
  if (!vault)
    return FALSE;
  if (options->media)
    gst_init(NULL, NULL);
  g_autoptr(VaultReader) reader = vault_reader_open(options->data, vault, error);
  json_auto_t *vcon = reader ? make(reader, vault, options, error) : NULL;
  return vcon && put(vcon, options, path, error);
}
