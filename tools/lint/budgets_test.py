# SPDX-License-Identifier: MIT
import unittest

import budgets
from source import File, Tree


def lengths(code):
    return [(name, last - first + 1) for name, first, last in
            budgets.functions(File("src/a.cc", code))]


def checks(path, text):
    return [finding.check for finding in budgets.check(Tree({path: text}))]


class FunctionsTest(unittest.TestCase):
    def test_functions_of_namespaces_and_classes_are_found(self):
        self.assertEqual(lengths("namespace a {\nint f(int x) {\n  return x;\n}\n"
                                 "class B {\n public:\n  void g() const { h({1}); }\n};\n}\n"),
                         [("f", 3), ("g", 1)])

    def test_what_is_inside_a_function_counts_as_the_function(self):
        code = "void f() {\n  if (a) {\n    auto g = [](int) {\n    };\n  }\n}\n"
        self.assertEqual(lengths(code), [("f", 6)])

    def test_tables_and_initialisers_are_no_functions(self):
        self.assertEqual(lengths("constexpr std::array rows = {\n  Row{f(1)},\n  Row{g(2)},\n};\n"
                                 "struct A {\n  int x{3};\n};\n"), [])

    def test_a_constructor_with_braced_members_is_one_function_at_most_too_long(self):
        self.assertIn(("B::B", 1), lengths("B::B(int a) : a_(a) { go(); }\n"))

    def test_braces_in_strings_and_comments_do_not_count(self):
        self.assertEqual(lengths('void f() {\n  say("}{");  // }\n  char c = \'}\';\n'
                                 '  int n = 30\'000;\n  raw(R"(}})");\n}\n'), [("f", 6)])

    def test_a_template_of_a_class_is_a_scope(self):
        code = "template <class T = decltype(f())>\nclass A {\n  int g() {\n  }\n};"
        self.assertEqual(lengths(code), [("g", 2)])


class BudgetsTest(unittest.TestCase):
    def test_a_long_function_is_reported_where_it_begins(self):
        text = "// x\nvoid f() {\n" + "  g();\n" * 70 + "}\n"
        (finding,) = budgets.check(Tree({"src/a.cc": text}))
        self.assertEqual((finding.line, finding.check), (2, "function-length"))

    def test_a_function_of_seventy_lines_is_allowed(self):
        self.assertEqual(checks("src/a.cc", "void f() {\n" + "  g();\n" * 68 + "}\n"), [])

    def test_long_files_and_lines_are_reported(self):
        self.assertEqual(checks("src/a.cc", "int a;\n" * 401), ["file-length"])
        self.assertEqual(checks("src/a.cc", "// " + "x" * 98 + "\n"), ["line-length"])

    def test_a_line_counts_characters_not_bytes(self):
        self.assertEqual(checks("src/a.cc", "// " + "→" * 97 + "\n"), [])

    def test_statements_have_sixty_lines_and_finish_twice_as_many(self):
        folder = "src/store/sqlite/statements/"
        self.assertEqual(checks(folder + "submit.sql", "\n" * 61), ["script-length"])
        self.assertEqual(checks(folder + "finish.sql", "\n" * 120), [])

    def test_option_structs_have_eight_fields(self):
        text = "struct AOptions {\n  int a = 1, b{2};\n  std::map<int, int> c = {{1, 2}};\n" + \
            "".join(f"  int x{i};\n" for i in range(5)) + "};\n"
        self.assertEqual(checks("src/a.h", text), [])
        self.assertEqual(checks("src/a.h", text.replace("int a", "int z, a")), ["option-fields"])

    def test_store_verbs_are_counted(self):
        verbs = "  virtual int f(const B& b) const = 0;\n" * 24 + "  virtual C& clock() = 0;\n"
        text = "class Ring {\n  virtual int g() = 0;\n};\nclass Store {\n" + verbs + "};\n"
        self.assertEqual(checks("src/store/store.h", text), [])
        self.assertEqual(checks("src/store/store.h", text.replace("Store {", "Store {\n" + verbs)),
                         ["store-verbs"])

    def test_public_headers_are_counted(self):
        files = {f"include/penstock/h{n:02}.h": "" for n in range(19)}
        self.assertEqual([f.check for f in budgets.check(Tree(files))], ["public-headers"])


if __name__ == "__main__":
    unittest.main()
