"""jupyter_kernel_test with every attribute filled in: run as `python -m unittest kernel_suite`."""

from jupyter_kernel_test import IopubWelcomeTests, KernelTests


class RiffleTests(KernelTests):
    kernel_name = "riffle"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('to stderr')"
    completion_samples = [
        {"text": "'abc'.toUpperC", "matches": {"toUpperCase"}},
        {"text": "Math.hyp", "matches": {"hypot"}},
        {"text": "const only = { zebra: 1 }; only.ze", "matches": {"zebra"}},
        {"text": "%%wind", "matches": {"%%window"}},
    ]
    complete_code_samples = ["1 + 1", "const a = 1", "for (const a of [1]) {\n  console.log(a)\n}", "%streams"]
    incomplete_code_samples = ["const a = {", "function f() {", "`open", "if (true) {\n  1"]
    invalid_code_samples = ["const = 7", "let 1 = 2"]
    code_page_something = "window?"
    code_generate_error = "throw new Error('planned')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "10n ** 20n", "result": "100000000000000000000n"},
        {"code": "'six'", "result": "'six'"},
        {"code": "await Promise.resolve(6 + 1)", "result": "7"},
    ]
    code_display_data = [
        {"code": "display.html('<b>bold</b>')", "mime": "text/html"},
        {"code": "display.markdown('*text*')", "mime": "text/markdown"},
    ]
    code_history_pattern = "6 [*]*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.max"
    code_clear_output = "display.clear()"


class RiffleWelcomeTests(IopubWelcomeTests):
    kernel_name = "riffle"
    support_iopub_welcome = True


# The base classes would run against the Python kernel.
del KernelTests, IopubWelcomeTests
