/* SPDX-License-Identifier: Apache-2.0 */
/* Faults 11, 12: what is called whole can be walked to its end; nothing reads behind the packet (AddressSanitizer watches). */
#include "pipelines/relay/packet.h"
#include "pipelines/transport/rtp-check.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  RtpHeader header;
  gboolean readable = rtp_header_read(bytes, n, &header);
  if (rtp_is_whole(bytes, n)) {
    g_assert_true(rtp_header_is_whole(bytes, n));
    g_assert_true(readable);
  }
  for (guint id = 0; readable && id <= 255; id++) {
    gsize length = 0;
    const guint8 *element = rtp_extension_find(bytes, n, (guint8)id, &length);
    g_assert_true(element == NULL || (element >= bytes && element + length <= bytes + n));
  }
  g_autofree guint8 *original = g_malloc(n + 1), *exact = NULL;
  const gsize original_bytes = rtx_unwrap(bytes, n, 7, 96, original);
  g_assert_true(original_bytes < n || n == 0);
  exact = g_memdup2(original, original_bytes);
  g_assert_true(original_bytes == 0 ||
                (readable && rtp_header_read(exact, original_bytes, &header) && header.ssrc == 7 && header.pt == 96));
  if (rtcp_is_whole(bytes, n)) {
    SenderReport report;
    gsize offset = 0, before = 0;
    while (rtcp_next_sender_report(bytes, n, &offset, &report)) {
      g_assert_cmpuint(offset, >, before);
      before = offset;
    }
  }
  return 0;
}
