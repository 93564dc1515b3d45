/* SPDX-License-Identifier: Apache-2.0 */
/* Bad histories, each breaking one rule, and good ones that look like them. */
#include "tests/audit/story.h"

#define COMMIT(segment, who, seq, first, last, confirmed)                                                                                  \
  "commit request=1 take=1 track=a medium=audio start=1 end=2 continues=false consent_set=c segment=" #segment " participant=" who         \
  " seq=" #seq " first_us=" #first " last_us=" #last " confirmed=" confirmed "\n"
#define PEOPLE                                                                                                                             \
  "start session=-\n"                                                                                                                      \
  "join participant=anna role=expert\n"                                                                                                    \
  "join participant=ben role=client\n"
#define ASKED                                                                                                                              \
  PEOPLE                                                                                                                                   \
  "request request=1 asker=anna on_withdrawal=session disclosure_sha256=d\n"                                                               \
  "grant participant=anna request=1 media=all disclosure_sha256=d\n"
#define GRANTED    ASKED "grant participant=ben request=1 media=all disclosure_sha256=d\n"
#define OPENED     GRANTED "gate_open request=1 take=1 roster=anna,ben absent_ms=30000\n" /* leaf 6, t=7000 */
#define OPENED_SFU GRANTED "gate_open request=1 take=1 roster=anna,ben absent_ms=30000 sfu=true\n"
#define BOTH       "anna:7950,ben:7950"
#define KEPT       OPENED COMMIT(1, "anna", 0, 7100, 7900, BOTH) /* leaf 7 */
#define CLOSED     "gate_close take=1 reason=stopped discard=false\n"

static const struct {
  const char *about, *rule; /* NULL: all is well */
  gint64 leaf;              /* of the first finding, -1: any */
  const char *lines;
} histories[] = {
    {"a recording that was agreed to", NULL, -1, KEPT COMMIT(2, "ben", 0, 7100, 7900, BOTH) "stop participant=anna\n" CLOSED},
    {"behind an SFU whose roster was compared", NULL, -1, OPENED_SFU COMMIT(1, "anna", 0, 7100, 7900, BOTH ",:7901:true")},
    {"behind an SFU whose roster was not compared later", "R8", 7, OPENED_SFU COMMIT(1, "anna", 0, 7100, 7900, BOTH ",:7900:true")},
    {"behind an SFU whose roster was not compared", "R8", 7, OPENED_SFU COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"a comparison stands for nobody", "R10", 7, OPENED_SFU COMMIT(1, "anna", 0, 7100, 7900, "anna:7950,:7950:true")},
    {"a take that is still open", NULL, -1, KEPT},
    {"kept after a close that revokes nothing", NULL, -1, OPENED CLOSED COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"a tail that a crash left", NULL, -1, KEPT "gate_close take=1 reason=crash\nrecovered session=-\n"},
    {"dropped numbers explain the rest", NULL, -1,
     OPENED COMMIT(1, "anna", 0, 7100, 7200, BOTH) "drop request=1 take=1 reason=silent segments=2:anna:a:1\n" COMMIT(3, "anna", 2, 7300,
                                                                                                                      7400, BOTH)},
    {"a commit that a withdrawal undid", NULL, -1,
     OPENED COMMIT(1, "anna", 0, 7100, 7900, BOTH) "drop request=1 take=1 reason=withdrawn segments=1:anna:a:0\n"
                                                   "gate_close take=1 reason=withdrawn discard=true\nwithdraw participant=ben request=1\n"},
    {"withdrawn and erased, the erase first", NULL, -1,
     KEPT "purge participant=ben reason=withdrawn recordings=1:3:1\ngate_close take=1 reason=withdrawn discard=true\nwithdraw "
          "participant=ben request=1\n"},
    {"a no after one's own yes, erased", NULL, -1,
     KEPT "decline participant=ben request=1\ngate_close take=1 reason=withdrawn discard=true\npurge participant=ben reason=withdrawn "
          "recordings=1:3:1\n"},
    {"the time is over", NULL, -1, KEPT CLOSED "purge reason=expired recordings=1:3:1\n"},
    {"a return within the time that a grant survives", NULL, -1,
     OPENED "leave participant=ben reason=left\ngate_close take=1 reason=left discard=false\njoin participant=ben role=client\n"
            "gate_open request=1 take=2 roster=anna,ben absent_ms=30000\n"},
    {"a pause lifted by who made it", NULL, -1,
     OPENED "pause participant=ben\ngate_close take=1 reason=paused discard=false\nresume participant=ben\ngate_open request=1 take=2 "
            "roster=anna,ben\n"},
    {"written consent before the call (R5)", NULL, -1,
     "request request=1 on_withdrawal=session disclosure_sha256=d\ngrant participant=anna request=1 media=all disclosure_sha256=d\n"
     "start session=-\njoin participant=anna role=client\ngate_open request=1 take=1 roster=anna\n"},
    {"a written request outlives an empty room (R5)", NULL, -1,
     "request request=1 on_withdrawal=session disclosure_sha256=d\ngrant participant=anna request=1 media=all disclosure_sha256=d\n"
     "start session=-\njoin participant=anna role=client\ngate_open request=1 take=1 roster=anna absent_ms=30000\n"
     "leave participant=anna reason=left\ngate_close take=1 reason=left discard=false\njoin participant=anna role=client\n"
     "gate_open request=1 take=2 roster=anna absent_ms=30000\n"},
    {"one made in the call does not", "R7", 10,
     OPENED "gate_close take=1 reason=left discard=false\nleave participant=anna reason=left\njoin participant=anna role=expert\n"
            "gate_open request=1 take=2 roster=anna,ben absent_ms=30000\n"},
    {"a new process, asked again", NULL, -1,
     OPENED "gate_close take=1 reason=crash\nstart session=-\njoin participant=anna role=expert\n"
            "request request=2 asker=anna on_withdrawal=session disclosure_sha256=d\ngrant participant=anna request=2 media=all "
            "disclosure_sha256=d\n"
            "gate_open request=2 take=2 roster=anna\n"},
    {"a leaf of a type that nobody knows yet", NULL, -1, KEPT "weather segment=cloudy\n"},

    {"an auditor in the call", "R2", 1, "start session=-\njoin participant=eve role=auditor\n"},
    {"asked by somebody who is not there", "R2", 3, PEOPLE "request request=1 asker=carl on_withdrawal=session\n"},
    {"agreed to another text", "R3", 5, ASKED "grant participant=ben request=1 media=all disclosure_sha256=e\n"},
    {"agreed to a request that is over", "R3", 6,
     ASKED "stop participant=anna\ngrant participant=ben request=1 media=all disclosure_sha256=d\n"},
    {"agreed without being there", "R3", 5, ASKED "grant participant=carl request=1 media=all disclosure_sha256=d\n"},
    {"back after falling silent, not asked again", "R3", 10,
     OPENED "gate_close take=1 reason=silent discard=true\nleave participant=ben reason=silent\n"
            "join participant=ben role=client\ngate_open request=1 take=2 roster=anna,ben\n"},
    {"away too long, not asked again", "R3", 10,
     OPENED "leave participant=ben reason=left\ngate_close take=1 reason=left discard=false\n"
            "join participant=ben role=client t=40000000\ngate_open request=1 take=2 roster=anna,ben absent_ms=30000\n"},
    {"asked while a no stands", "R4", 6, ASKED "decline participant=ben request=1\nrequest request=2 asker=anna on_withdrawal=session\n"},
    {"asked twice at once", "R4", 5, ASKED "request request=2 asker=anna on_withdrawal=session\n"},
    {"opened though somebody said no", "R7", 6, ASKED "decline participant=ben request=1\ngate_open request=1 take=1 roster=anna,ben\n"},
    {"opened after a withdrawal", "R7", 9,
     OPENED
     "gate_close take=1 reason=withdrawn discard=true\nwithdraw participant=ben request=1\ngate_open request=1 take=2 roster=anna,ben\n"},
    {"agreed by who cannot", "R4", 5,
     "start session=-\njoin participant=anna role=expert\njoin participant=ben role=client cannot_consent=true\n"
     "request request=1 asker=anna on_withdrawal=session disclosure_sha256=d\ngrant participant=anna request=1 media=all "
     "disclosure_sha256=d\n"
     "grant participant=ben request=1 media=all disclosure_sha256=d\n"},
    {"opened for who cannot agree", "R4", 7,
     GRANTED "join participant=ben role=client cannot_consent=true\ngate_open request=1 take=1 roster=anna,ben\n"},
    {"opened before everybody agreed", "R7", 5, ASKED "gate_open request=1 take=1 roster=anna,ben\n"},
    {"opened without somebody who is there", "R7", 5, ASKED "gate_open request=1 take=1 roster=anna\n"},
    {"opened with somebody who is not there", "R7", 7,
     GRANTED "leave participant=ben reason=left\ngate_open request=1 take=1 roster=anna,ben\n"},
    {"opened for nobody", "R7", 1, "start session=-\ngate_open request=1 take=1 roster=\n"},
    {"opened without a request", "R7", 3, PEOPLE "gate_open request=1 take=1 roster=anna,ben\n"},
    {"opened twice", "R7", 7, OPENED "gate_open request=1 take=2 roster=anna,ben\n"},
    {"a newcomer, and the gate stays open", "R7", 8, OPENED "join participant=carl role=observer\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"a no, and the gate stays open", "R7", 8, OPENED "decline participant=ben request=1\njoin participant=carl role=observer\n"},
    {"a pause, and the gate stays open", "R7", 8, OPENED "pause participant=ben\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"kept without everybody's sign of life", "R10", 7, OPENED COMMIT(1, "anna", 0, 7100, 7900, "anna:7950")},
    {"kept with a sign of life from before its end", "R10", 7, OPENED COMMIT(1, "anna", 0, 7100, 7900, "anna:7950,ben:7900")},
    {"kept with one person's sign of life twice", "R10", 7, OPENED COMMIT(1, "anna", 0, 7100, 7900, "anna:7950,carl:7950")},
    {"kept after a withdrawal", "R11", 9,
     OPENED "gate_close take=1 reason=left discard=false\nwithdraw participant=ben request=1\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"kept of what was thrown away", "R11", 8,
     OPENED "gate_close take=1 reason=silent discard=true\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"kept after its recording was erased", "R11", 8,
     OPENED "purge participant=ben reason=withdrawn recordings=1:3:0\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"withdrawn and not erased", "R12", 9, KEPT "gate_close take=1 reason=withdrawn discard=true\nwithdraw participant=ben request=1\n"},
    {"erased less than was disclosed", "R12", 8, KEPT "purge participant=ben reason=withdrawn recordings=1:2:0\n"},
    {"opened past a pause", "R14", 10,
     OPENED "pause participant=ben\ngate_close take=1 reason=paused discard=false\nresume participant=anna\ngate_open request=1 take=2 "
            "roster=anna,ben\n"},
    {"video of who agreed to sound", "R16", 7,
     ASKED "grant participant=ben request=1 media=audio disclosure_sha256=d\ngate_open request=1 take=1 roster=anna,ben\n"
           "commit request=1 take=1 track=v medium=video start=1 end=2 continues=false consent_set=c segment=1 participant=ben seq=0 "
           "first_us=7100 last_us=7900 "
           "confirmed=" BOTH "\n"},
    {"kept of a take that a crash had ended", "R17", 8, OPENED "gate_close take=1 reason=crash\n" COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"listened to by nobody", "R20", 8, KEPT "access what=segments\n"},
    {"an erase that counts wrongly", "R21", 8, KEPT "purge participant=ben reason=withdrawn recordings=1:3:5\n"},
    {"a take that was never opened", "R21", 1, "start session=-\n" CLOSED},
    {"kept of a take that never was", "R22", 6, GRANTED COMMIT(1, "anna", 0, 7100, 7900, BOTH)},
    {"kept of somebody who was not there", "R22", 7, OPENED COMMIT(1, "carl", 0, 7100, 7900, BOTH)},
    {"begun before the gate opened", "R22", 7, OPENED COMMIT(1, "anna", 0, 6900, 7900, BOTH)},
    {"ended after the gate closed", "R22", 8, OPENED CLOSED COMMIT(1, "anna", 0, 7100, 8100, "anna:8200,ben:8200")},
    {"ended after the gate closed, kept before", "R22", 7,
     OPENED "commit request=1 take=1 track=a medium=audio start=1 end=2 continues=false consent_set=c segment=1 participant=anna seq=0 "
            "first_us=7100 "
            "last_us=7900 t=7950 confirmed=" BOTH "\ngate_close take=1 reason=stopped discard=false t=7500\n"},
    {"a number left out", "R22", 6, OPENED COMMIT(1, "anna", 0, 7100, 7200, BOTH) COMMIT(2, "anna", 2, 7300, 7400, BOTH)},
    {"a first number left out", "R22", 6, OPENED COMMIT(1, "anna", 1, 7100, 7200, BOTH)},
    {"a number used twice", "R22", 8, OPENED COMMIT(1, "anna", 0, 7100, 7200, BOTH) COMMIT(2, "anna", 0, 7300, 7400, BOTH)},
    {"another consent record than its take's", "R22", 8,
     KEPT "commit request=1 take=1 track=b medium=audio start=1 end=2 continues=false consent_set=x segment=2 participant=anna seq=0 "
          "first_us=7100 "
          "last_us=7900 confirmed=" BOTH "\n"},
    {"another request than its take's", "R22", 7,
     OPENED "commit request=9 take=1 track=a medium=audio start=1 end=2 continues=false consent_set=c segment=1 participant=anna seq=0 "
            "first_us=7100 "
            "last_us=7900 confirmed=" BOTH "\n"},
};

static void test_history(gconstpointer data) {
  const gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(Story) story = story_new();
  story_tell(story, histories[i].lines);
  json_auto_t *verdict = story_verdict(story, NULL, NULL);
  story_expect(verdict, histories[i].about, histories[i].rule, histories[i].leaf);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(histories); i++) {
    g_autofree char *name = g_strdup(histories[i].about), *path = g_strconcat("/audit/history/", g_strdelimit(name, " ,'", '-'), NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_history);
  }
  return g_test_run();
}
