#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The linter's own test: each rule finds what breaks it, and nothing in a file that keeps it."""
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("lint", pathlib.Path(__file__).with_name("lint.py"))
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Lint(unittest.TestCase):
    def findings(self, **sources):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in sources.items():
                path = root / name.replace("__", "/").replace("_dot_", ".")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return [what for _, _, what in lint.lint(root)]

    def one(self, part, **sources):
        found = self.findings(**sources)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_a_clean_file_has_no_finding(self):
        text = SPDX + '#include "gate/consent/consent.h"\n/* goto { */\nstatic int f(int a)\n{\n  return a == \'{\' ? 1 : 2; // "\n}\n'
        self.assertEqual(self.findings(gate__consent__a_dot_c=text, gate__consent__consent_dot_h=SPDX + "typedef int Consent;\n"), [])

    def test_the_spdx_line_is_first(self):
        self.one("SPDX", gate__consent__a_dot_c="\n" + SPDX)

    def test_floors(self):
        header = SPDX + "typedef int Anything;\n"
        self.one("gate/consent may not include gate/vault/vault.h",
                 gate__consent__a_dot_c=SPDX + '#include "gate/vault/vault.h"\n', gate__vault__vault_dot_h=header)
        self.one("pipelines/transport may not include gate/", pipelines__transport__a_dot_c=SPDX + '#include "gate/consent/consent.h"\n')
        self.one("pipelines/recording may not include pipelines/relay/call.h",
                 pipelines__recording__a_dot_c=SPDX + '#include "pipelines/relay/call.h"\n#include "pipelines/relay/tap.h"\n')
        self.one("gate/vault may not include signaling/", gate__vault__a_dot_c=SPDX + '#include "signaling/server.h"\n')
        self.assertEqual(self.findings(signaling__a_dot_c=SPDX + '#include "gate/vault/vault.h"\n#include "pipelines/relay/call.h"\n'), [])

    def test_includes_start_at_the_top(self):
        self.one("include from the top", gate__vault__a_dot_c=SPDX + '#include "vault.h"\n')

    def test_a_long_file_and_a_long_header(self):
        self.one("801 lines", gate__vault__a_dot_c=SPDX + "int a;\n" * 800)
        self.one("151 lines", gate__vault__a_dot_h=SPDX + "extern int a;\n" * 150)

    def test_a_long_function(self):
        def body(lines):
            return SPDX + "struct s { int a; };\nint f(int a) {\n" + "  a++;\n" * (lines - 2) + "}\nint g(void);\n"
        self.assertEqual(self.findings(gate__vault__a_dot_c=body(100)), [])
        self.one("a function of 101 lines", gate__vault__a_dot_c=body(101))

    def test_a_long_table_is_no_function(self):
        self.assertEqual(self.findings(gate__vault__a_dot_c=SPDX + "static const int t[] = {\n" + "  1,\n" * 150 + "};\n"), [])

    def test_goto_default_and_unfinished_work(self):
        self.one("goto", tests__a_dot_c=SPDX + "void f(void) { goto out; out:; }\n")
        switch = SPDX + "int f(int a) { switch (a) { default: return 0; } }\n"
        self.one("default", gate__vault__a_dot_c=switch)
        self.assertEqual(self.findings(signaling__a_dot_c=switch), [])
        self.one("unfinished", tests__a_dot_c=SPDX + "/* TO" + "DO: more */\n")

    def test_what_is_made_can_be_unmade(self):
        self.one("thing_new", gate__vault__a_dot_h=SPDX + "typedef struct Thing Thing;\nThing *thing_new(void);\n")

    def test_each_header_compiles_alone(self):
        self.one("does not compile alone", gate__vault__a_dot_h=SPDX + "extern gboolean a;\n")


if __name__ == "__main__":
    unittest.main()
