# SPDX-License-Identifier: MIT
import shutil
import unittest

import scripts
from source import Tree

ERRORS = ("enum class Errc : std::uint8_t {\n  invalid,  ///< Wrong, of course.\n  too_large,\n"
          "  denied,\n};\n")
LOOK = "-- Reading: shared by all.\nlocal p = KEYS[1]\nlocal function look(x) return p .. x end\n"
GOOD = """-- Does it. Nothing else.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2..]  lane and sequence of each job,
--          one after the other
-- Returns  {1, changed}; 0: known; -1 invalid: bad arguments;
--          {-3, layout}: another one
-- Events   j for each
-- Derived keys  lane:*
--@include look
local now_ms, first_arg = tonumber(ARGV[1]), 2

if not now_ms then return -1 end
if now_ms == 7 then return {-3, 'x'} end
local changed = 0  -- Not TIME: redis.call('TIME').
for i = first_arg, #ARGV do changed = changed + redis.call('DEL', look(ARGV[i])) end
if changed == 0 then return 0 end
return {1, changed}
"""


class Forgetful:
    digest = staticmethod(lambda *parts: "")

    def knows(self, digest):
        return False

    def add(self, digest):
        pass


def tree(text, look=LOOK):
    return Tree({scripts.FOLDER + "go.lua": text, scripts.LIBRARY + "look.lua": look,
                 scripts.ERRORS: ERRORS})


def problems(old="", new="", look=LOOK):
    if old:
        assert old in GOOD, old
    return [(f.path.rsplit("/", 1)[1], f.line, f.what)
            for f in scripts.check(tree(GOOD.replace(old, new, 1), look))]


def whats(old, new, look=LOOK):
    return [what for _, _, what in problems(old, new, look)]


class ContractTest(unittest.TestCase):
    def test_a_script_that_keeps_its_contract_is_clean(self):
        self.assertEqual(problems(), [])

    def test_parts_stand_in_their_order(self):
        self.assertEqual(problems("-- ARGV[1]  now_ms\n", "-- Events   j\n-- ARGV[1]  now_ms\n"),
                         [("go.lua", 4, "ARGV comes too late"),
                          ("go.lua", 5, "ARGV comes too late"),
                          ("go.lua", 7, "Returns comes too late")])

    def test_what_is_missing_or_no_part_is_reported(self):
        self.assertEqual(whats("-- KEYS[1]  PREFIX:{0}:meta  HASH\n", ""),
                         ["the contract lacks: KEYS", "KEYS[1] is used and not documented"])
        self.assertEqual(whats("-- Events   j for", "-- Event j for"),
                         ['not a part of a contract: "-- Event j for each"'])
        self.assertEqual(whats("meta  HASH", "meta"), ["a key without its type"])

    def test_documented_arguments_are_the_used_ones(self):
        self.assertEqual(whats("-- ARGV[1]  now_ms\n-- ARGV[2..]", "-- ARGV[1]  now_ms\n"
                               "-- ARGV[2]  most_jobs\n-- ARGV[3..]"), ["ARGV[2] is never used"])
        self.assertEqual(whats("-- ARGV[2..]", "-- ARGV[3..]"),
                         ["ARGV[3] where ARGV[2] comes next"])
        self.assertEqual(whats("-- ARGV[2..]  lane", "-- ARGV[2]  lane"),
                         ["ARGV[2] is never used", "ARGV is used from a place that moves"])

    def test_returned_numbers_are_documented_with_the_name_of_their_error(self):
        self.assertEqual(whats(" 0: known;", ""),
                         ["returns 0, which the contract does not mention"])
        self.assertEqual(whats("; -1 invalid: bad arguments", ""),
                         ["returns -1, which the contract does not mention"])
        self.assertEqual(whats("-1 invalid:", "-1 denied:"), ["-1 is no denied"])

    def test_a_body_has_sixty_lines_and_its_contract_does_not_count(self):
        self.assertEqual(whats("return {1", "\n" * 52 + "return {1"), [])
        self.assertEqual(whats("return {1", "\n" * 53 + "return {1"),
                         ["the body has 61 lines, 60 are allowed"])


class BodyTest(unittest.TestCase):
    def test_arguments_have_names_below_the_head(self):
        self.assertEqual(problems("changed == 0", "ARGV[1] == 0"),
                         [("go.lua", 17, "ARGV[1] below the head of the body")])
        self.assertEqual(whats("", "", LOOK.replace("p .. x", "KEYS[1] .. x")),
                         ["KEYS[1] below the head of the body"])

    def test_clocks_chance_and_blobs_are_banned(self):
        for code in ("redis.call('TIME')", "math.random(7)", "cjson.decode(x)"):
            self.assertEqual(len(whats("changed == 0", f"changed == {code}")), 1, code)

    def test_includes_are_one_level_deep_and_used(self):
        self.assertEqual(whats("--@include look", "--@include see"),
                         ["there is no lib/see.lua", "KEYS[1] is never used",
                          "no script includes this file"])
        self.assertEqual(whats("", "", LOOK + "--@include other\n"),
                         ["an included file includes another"])
        self.assertEqual(whats("if changed", "--@include look\nif changed"),
                         ["an include below the body's beginning"])


@unittest.skipUnless(shutil.which(scripts.COMPILER), "there is no " + scripts.COMPILER)
class CompiledTest(unittest.TestCase):
    def found(self, old="", new="", look=LOOK):
        return [(f.path.rsplit("/", 1)[1], f.line, f.what) for f in
                scripts.check_compiled(tree(GOOD.replace(old, new, 1), look), Forgetful())]

    def test_global_variables_are_found_where_they_are_written(self):
        self.assertEqual(self.found(), [])
        self.assertEqual(self.found("local changed", "changed")[0],
                         ("go.lua", 15, '"changed" is a global variable'))
        self.assertEqual(self.found("", "", LOOK.replace("p .. x", "q .. x")),
                         [("look.lua", 3, '"q" is a global variable')])

    def test_what_does_not_compile_is_reported_at_its_line(self):
        (found,) = self.found("== 0 then", "== 0")
        self.assertEqual(found[:2], ("go.lua", 17))


if __name__ == "__main__":
    unittest.main()
