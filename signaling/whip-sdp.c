/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/whip-sdp.h"

#include <string.h>

#include "signaling/token.h"

#define RESOURCE "{resource}"

char *whip_sdp_value(const char *text, const char *name) {
  g_autofree char *prefix = g_strdup_printf("a=%s:", name);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix(*line, prefix))
      return g_strdup(g_strchomp(*line + strlen(prefix)));
  return NULL;
}

char *whip_sdp_restarted(const char *sdp, const char *ufrag, const char *pwd) {
  g_auto(GStrv) lines = g_strsplit(sdp, "\n", -1);
  GString *out = g_string_new(NULL);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    if (g_str_has_prefix(*line, "a=ice-ufrag:"))
      g_string_append_printf(out, "a=ice-ufrag:%s\r\n", ufrag);
    else if (g_str_has_prefix(*line, "a=ice-pwd:"))
      g_string_append_printf(out, "a=ice-pwd:%s\r\n", pwd);
    else
      g_string_append_printf(out, "%s\r\n", g_strchomp(*line));
  return g_string_free(out, FALSE);
}

char *whip_sdp_fragment(const char *sdp) {
  static const char *const kept[] = {
      "a=ice-lite", "a=group:BUNDLE", "m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates"};
  g_auto(GStrv) lines = g_strsplit(sdp, "\n", -1);
  GString *out = g_string_new(NULL);
  guint sections = 0;
  for (char **line = lines; *line != NULL; line++) {
    sections += g_str_has_prefix(*line, "m=");
    for (gsize i = 0; sections < 2 && i < G_N_ELEMENTS(kept); i++)
      if (g_str_has_prefix(*line, kept[i]))
        g_string_append_printf(out, "%s\r\n", g_strchomp(*line));
  }
  return g_string_free(out, FALSE);
}

static gboolean resource_is_valid(const char *resource) {
  g_auto(GStrv) parts = g_strsplit(resource, "/", -1);
  for (char **part = parts; *part != NULL; part++)
    if (!token_id_is_valid(*part))
      return FALSE;
  return parts[0] != NULL;
}

char *whip_url_fill(const char *url, const char *session, const char *participant, const char *resource) {
  if ((strstr(url, RESOURCE) != NULL) != (resource != NULL) || (resource != NULL && !resource_is_valid(resource)))
    return NULL;
  GString *filled = g_string_new(url); /* ids hold no braces and nothing that an address would read */
  g_string_replace(filled, "{session}", session, 0);
  g_string_replace(filled, "{participant}", participant, 0);
  g_string_replace(filled, RESOURCE, resource != NULL ? resource : "", 0);
  return g_string_free(filled, FALSE);
}
