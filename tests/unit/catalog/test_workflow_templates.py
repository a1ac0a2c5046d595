"""Workflow templates: every mistake is told with its place."""

from __future__ import annotations

import pytest

from tests.unit.catalog.conftest import Files

FLOW = "name: w\nsteps:\n"
AGENT = """\
name: writer
instructions: "Write about {{ inputs.topic }}."
inputs: {topic: {type: string}, words: {type: integer, default: 100}}
"""
TWO = FLOW + "  - {id: a, prompt: x}\n"
SWITCH = FLOW + "  - {id: a, switch: '{{ inputs.k }}', "


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what"),
    [
        # the graph
        (TWO + "  - {id: a, prompt: y}", "DUPLICATE-STEP", 4, 10, "called `a`"),
        (FLOW + "  - {id: a, prompt: x, needs: [bb]}", "UNKNOWN-STEP", 3, 32, "no step `bb`"),
        (FLOW + "  - {id: a, prompt: x, needs: [b]}\n  - {id: b, prompt: x}", "CYCLE", 3, 31, "waits for itself"),
        (FLOW + "  - {id: a, prompt: x, needs: [a]}", "CYCLE", 3, 31, "`a` waits for itself"),
        # fallbacks
        (FLOW + "  - {id: a, prompt: x, on_error: {fallback: bb}}", "UNKNOWN-STEP", 3, 45, "no step `bb`"),
        (FLOW + "  - {id: a, prompt: x, on_error: {fallback: a}}", "FALLBACK", 3, 45, "its own fallback"),
        (
            TWO
            + "  - {id: b, prompt: x, on_error: {fallback: a}}\n  - {id: c, prompt: x, on_error: {fallback: a}}",
            "FALLBACK", 5, 45, "`a` is the fallback of two steps",
        ),
        (
            FLOW
            + "  - {id: a, prompt: x, on_error: {fallback: b}}\n  - {id: b, prompt: x, on_error: {fallback: a}}",
            "CYCLE", 3, 5, "`a` waits for itself",
        ),
        (
            FLOW
            + "  - {id: a, prompt: x, on_error: {fallback: b}}\n  - {id: b, prompt: x, needs: [c]}\n"
            + "  - {id: c, prompt: x, needs: [a]}",
            "CYCLE", 4, 31, "`b` waits for itself",
        ),
        (FLOW + "  - {prompt: x, on_error: skip}", "VALUE", 3, 27, "`steps[0].on_error`"),
        # what expressions may use
        (FLOW + "  - {tool: fetch_url, with: {url: [{a: '{{ itm }}'}]}}", "UNDEFINED", 3, 44, "`itm`"),
        (FLOW + "  - '{{ steps.later.output }}'\n  - {id: later, prompt: x}", "UNDEFINED", 3, 15, "`steps.later`"),
        (TWO + "  - {id: b, needs: [], prompt: '{{ steps.a.output }}'}", "UNDEFINED", 4, 42, "`steps.a`"),
        (TWO + "  - '{{ steps.a.outptu }}'", "UNDEFINED", 4, 17, "`steps.a.outptu`"),
        (TWO + "  - '{{ steps[\"a\"].outptu | upper }}'", "UNDEFINED", 4, 20, "`steps.a.outptu`"),
        (FLOW + "  - {id: a, prompt: '{{ steps.a.output }}'}", "UNDEFINED", 3, 31, "`steps.a`"),
        (FLOW + "  - {prompt: '{{ item }}'}", "UNDEFINED", 3, 18, "`item`"),
        (FLOW + "  - {prompt: '{{ index }}'}", "UNDEFINED", 3, 18, "`index`"),
        (FLOW + "  - {prompt: '{{ last }}'}", "UNDEFINED", 3, 18, "`last`"),
        (FLOW + "  - {prompt: x, foreach: '{{ item }}'}", "UNDEFINED", 3, 30, "`item`"),
        (FLOW + "  - {prompt: x, foreach: {file: '{{ item }}'}}", "UNDEFINED", 3, 37, "`item`"),
        (FLOW + "  - {prompt: x, foreach: ['{{ item }}']}", "UNDEFINED", 3, 31, "`item`"),
        (FLOW + "  - {prompt: x, until: '{{ last }}'}", "UNDEFINED", 3, 28, "`last`"),
        (FLOW + "  - {prompt: '{{ output }}', until: '{{ output }}'}", "UNDEFINED", 3, 18, "`output`"),
        (FLOW + "  - {prompt: x, when: '{{ round }}', until: '{{ output }}'}", "UNDEFINED", 3, 27, "`round`"),
        (FLOW + "  - {prompt: x, foreach: '{{ inputs.l }}'}", "UNDEFINED", 3, 37, "`inputs.l`"),
        (SWITCH + "cases: {k: x}}", "UNDEFINED", 3, 32, "`inputs.k`"),
        (FLOW + "  - {switch: '{{ 1 }}', cases: {k: '{{ nope }}'}}", "UNDEFINED", 3, 40, "`nope`"),
        (FLOW + "  - {switch: '{{ 1 }}', cases: {k: x}, default: '{{ nope }}'}", "UNDEFINED", 3, 53, "`nope`"),
        (FLOW + "  - x\noutput: '{{ steps.nope }}'", "UNDEFINED", 4, 19, "`steps.nope`"),
        (FLOW + "  - {prompt: x, output: {schema: '{{ inputs.s }}'}}", "UNDEFINED", 3, 45, "`inputs.s`"),
        (FLOW + "  - {prompt: x, output: {schema: {type: objct}}}", "SCHEMA", 3, 34, "`steps[0].output.schema`"),
        # agents, tools, models
        (FLOW + "  - {prompt: x, agent: writr}", "UNKNOWN-AGENT", 3, 24, "no agent `writr`"),
        ("name: w\nagent: nobody\nsteps: [x]", "UNKNOWN-AGENT", 2, 8, "no agent `nobody`"),
        (FLOW + "  - {switch: '{{ 1 }}', cases: {k: {prompt: x, agent: no}}}", "UNKNOWN-AGENT", 3, 55, "no agent `no`"),
        (FLOW + "  - {prompt: x, model: zz:y}", "UNKNOWN-PROVIDER", 3, 24, "`zz`"),
        (FLOW + "  - {tool: fetch_ur}", "UNKNOWN-TOOL", 3, 12, "no tool `fetch_ur`"),
        ("name: w\ntools: [nope]\nsteps: [x]", "UNKNOWN-TOOL", 2, 9, "no tool `nope`"),
        ("name: w\ntools: [fetch_url, fetch_url]\nsteps: [x]", "DUPLICATE-TOOL", 2, 20, "twice"),
        ("name: w\npermissions: {deny: [nope]}\nsteps: [x]", "UNKNOWN-TOOL", 2, 22, "no tool `nope`"),
        # what is given to an agent
        (FLOW + "  - {prompt: x, agent: writer, inputs: {topc: a}}", "UNKNOWN-INPUT", 3, 41, "no input `topc`"),
        (FLOW + "  - {prompt: x, agent: writer}", "MISSING-INPUT", 3, 5, "`topic` of the agent `writer`"),
        ("name: w\nagent: writer\nsteps: [x]", "MISSING-INPUT", 3, 9, "`topic` of the agent `writer`"),
        (FLOW + "  - {prompt: x, agent: writer, inputs: {topic: [a]}}", "INPUT-TYPE", 3, 48, "`topic`"),
        (FLOW + "  - {prompt: x, agent: writer, inputs: {topic: a, words: many}}", "INPUT-TYPE", 3, 58, "`words`"),
        # what is given to a tool
        (FLOW + "  - {tool: fetch_url, with: {ur: a}}", "UNKNOWN-ARGUMENT", 3, 30, "no argument `ur`"),
        (FLOW + "  - {tool: fetch_url}", "MISSING-ARGUMENT", 3, 5, "`url` of the tool `fetch_url`"),
        (FLOW + "  - {tool: fetch_url, with: {url: 3}}", "ARGUMENT-TYPE", 3, 35, "`url`"),
        (FLOW + "  - {tool: fetch_url, with: {url: a, start: one}}", "ARGUMENT-TYPE", 3, 45, "`start`"),
        (FLOW + "  - {tool: fetch_url, with: {url: a, format: xml}}", "ARGUMENT-TYPE", 3, 46, "`format`"),
        (FLOW + "  - {tool: fetch_url, with: {url: a, headers: []}}", "ARGUMENT-TYPE", 3, 47, "`headers`"),
        # bounds
        (FLOW + "  - {prompt: x, foreach: {range: 100001}}", "FOREACH", 3, 26, "too long"),
        (FLOW + "  - {prompt: x, foreach: {range: [1, x]}}", "TYPE", 3, 38, "`steps[0].foreach.range[1]`"),
        (FLOW + "  - {prompt: x, foreach: {rnge: 3}}", "VALUE", 3, 26, "`steps[0].foreach`"),
        (FLOW + "  - {prompt: x, foreach: words}", "VALUE", 3, 26, "`steps[0].foreach`"),
        (FLOW + "  - {prompt: x, when: words}", "VALUE", 3, 23, "`steps[0].when`"),
        (FLOW + "  - {prompt: x, until: words}", "VALUE", 3, 24, "`steps[0].until`"),
        (FLOW + "  - {prompt: x, until: {condition: '{{ 1 }}', rounds: 101}}", "VALUE", 3, 55, "until.rounds`"),
        (FLOW + "  - {prompt: x, until: {round: 3, condition: '{{ 1 }}'}}", "UNKNOWN-KEY", 3, 25, "`round`"),
        (FLOW + "  - {prompt: x, retry: {attempts: 21}}", "VALUE", 3, 35, "`steps[0].retry.attempts`"),
        # one action
        (FLOW + "  - {}", "VALUE", 3, 5, "`steps[0]`"),
        (FLOW + "  - {agent: writer}", "VALUE", 3, 5, "`steps[0]`"),
        (FLOW + "  - {prompt: x, tool: fetch_url}", "VALUE", 3, 17, "`tool` cannot stand beside `prompt`"),
        (FLOW + "  - {tool: fetch_url, inputs: {}}", "VALUE", 3, 23, "`inputs` cannot stand beside `tool`"),
        (FLOW + "  - {prompt: x, with: {}}", "VALUE", 3, 17, "`with` cannot stand beside `prompt`"),
        (FLOW + "  - {workflow: v, model: 'openai:x'}", "VALUE", 3, 19, "`model` cannot stand beside `workflow`"),
        (FLOW + "  - {prompt: x, cases: {a: b}}", "VALUE", 3, 17, "`cases` cannot stand beside `prompt`"),
        (SWITCH + "agent: writer, cases: {k: x}}", "VALUE", 3, 39, "`agent` cannot stand beside `switch`"),
        (SWITCH + "default: x}", "VALUE", 3, 5, "`steps[0]`"),
        (SWITCH + "cases: {k: {switch: '{{ 1 }}'}}}", "UNKNOWN-KEY", 3, 51, "`switch`"),
        # YAML that means something else
        (FLOW + "  - Fix issue #12", "QUOTE", 3, 5, "cut short"),
        (FLOW + "  - Summarise: the file", "QUOTE", 3, 5, "`steps[0]` is not text"),
        (SWITCH + "cases: {k: 3}}", "QUOTE", 3, 50, "`steps[0].cases.k` is not text"),
        (FLOW + "  - promt: hello", "UNKNOWN-KEY", 3, 5, "`promt`"),
        (FLOW + "  - 42", "QUOTE", 3, 5, "`steps[0]`"),
        ("name: w\nsteps: []\n", "VALUE", 2, 8, "`steps`"),
        ("name: w\nstps: [x]\n", "UNKNOWN-KEY", 2, 1, "`stps`"),
    ],
)  # fmt: skip
def test_every_problem_of_a_workflow_has_its_place(
    files: Files, text: str, kind: str, line: int, column: int, what: str
) -> None:
    files.write("agents/writer.yaml", AGENT)
    found = [(info.code, info.line, info.column, what in info.what) for info in files.problems(text)]
    assert found == [(f"E-TEMPLATE-{kind}", line, column, True)]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (FLOW + "  - {tool: fetch_url, inputs: {}}", "Write `with`, where a tool's arguments stand."),
        (FLOW + "  - {workflow: v, with: {}}", "Write `inputs`."),
        (FLOW + "  - {tool: fetch_url, with: {url: a}, agent: b}", "Remove it, or make it a step with `prompt`."),
        (FLOW + "  - {prompt: x, tool: fetch_url}", "Make it a step of its own."),
        (SWITCH + "inputs: {}, cases: {k: x}}", "Write it into the cases."),
        (FLOW + "  - {prompt: x, needs: [step_2]}\n  - {id: stepp, prompt: x}", "Did you mean `step_1`?"),
        (TWO + "  - {id: b, needs: [], prompt: '{{ steps.a.output }}'}", "Add `a` to its `needs`."),
        (FLOW + "  - '{{ steps.b.output }}'\n  - {id: b, prompt: x}", "Use an earlier step."),
        (FLOW + "  - {id: a, prompt: '{{ steps.a.output }}'}", "Use an earlier step, or `until` with `last`."),
        (TWO + "  - '{{ steps.a.outptu }}'", "Did you mean `steps.a.output`?"),
        (FLOW + "  - {tool: fetch_url, with: {url: a, strt: 1}}", "Did you mean `start`?"),
    ],
)
def test_the_fix_names_the_way_out(files: Files, text: str, fix: str) -> None:
    assert files.problems(text)[0].fix == fix


def test_all_problems_are_told_at_once(files: Files) -> None:
    files.write("agents/writer.yaml", AGENT)
    text = (
        FLOW + "  - {id: a, prompt: '{{ x }}', needs: [zz]}\n  - {tool: fetch_url, with: {q: 1}}\n  - {workflow: no}\n"
    )
    assert [info.code.removeprefix("E-TEMPLATE-") for info in files.problems(text)] == [
        "UNDEFINED",
        "UNKNOWN-STEP",
        "MISSING-ARGUMENT",
        "UNKNOWN-ARGUMENT",
        "UNKNOWN-WORKFLOW",
    ]


def test_a_long_cycle_is_told_by_its_beginning(files: Files) -> None:
    steps = "".join(f"  - {{id: s{i}, prompt: x, needs: [s{(i + 1) % 20}]}}\n" for i in range(20))
    (info,) = files.problems(FLOW + steps + "  - {id: behind, prompt: x, needs: [s3]}\n")
    assert info.why.startswith("The way is `s0`, `s1`, ")
    assert info.why.endswith("`s11`, 8 more, and `s0` again.")


def test_names_of_steps_in_a_cycle_are_not_told_as_well(files: Files) -> None:
    text = FLOW + "  - {id: a, prompt: '{{ steps.b.output }}', needs: [b]}\n  - {id: b, prompt: x, needs: [a]}"
    assert [info.code for info in files.problems(text)] == ["E-TEMPLATE-CYCLE"]


GOOD = """\
name: w
inputs: {since: {type: string, required: true}, rows: {type: array, default: []}}
agent: writer
tools: [fetch_url]
permissions: {allow: [fetch_url]}
limits: {turns: 100}
steps:
  - prompt: List what changed since {{ inputs.since }}.          # a comment after two spaces
    inputs: {topic: "{{ inputs.since }}", words: "200"}
  - id: draft
    prompt: Write from {{ steps.step_1.output }}{{ steps.step_1.reason }}; before it was {{ last }} in round {{ round }}
    inputs: {topic: changes}
    needs: [step_1]
    retry: {attempts: 3, delay: 1}
    timeout: 0.5
    until: {condition: "{{ output != last_one or round > 2 }}", rounds: 3, otherwise: keep}
    on_error: {fallback: plain}
    output: {schema: {type: object}}
    limits: {turns: 3, tool_seconds: 4}
  - {id: plain, prompt: "It failed: {{ steps.draft.error }}", inputs: {topic: x}}
  - id: check_links
    foreach: "{{ steps.draft.output | links }}"
    tool: fetch_url
    with: {url: "{{ item }}", start: "2", format: "{{ index }}", headers: {a: "{{ item }}"}}
    when: "{{ inputs.since != 'never' and item and steps.plain.status }}"
  - {foreach: {range: [1, 3]}, tool: packaged, with: {anything: "{{ index }}"}}
  - {foreach: {file: "{{ inputs.since }}.csv"}, prompt: "{{ item.name }}", inputs: {topic: t}}
  - id: route
    switch: "{{ steps.draft.output }}"
    cases:
      bug: Look at it.
      "true": {tool: fetch_url, with: {url: x, start: null}}
      nested: {workflow: inner, inputs: {a: 1}}
    default: {prompt: "{{ now() }}", agent: other, model: openai:x}
output: "{{ steps.draft.output }}{{ steps.plain.output }}"
""".replace("output != last_one", "output")


def test_a_good_workflow_is_listed(files: Files) -> None:
    files.write("agents/writer.yaml", AGENT)
    files.write("agents/other.yaml", "name: other\ninstructions: Write.\n")
    files.write("workflows/inner.yaml", "name: inner\ninputs: {a: {type: integer}}\nsteps: ['{{ inputs.a }}']\n")
    text = GOOD.replace("bug: Look at it.", "bug: {prompt: Look at it., inputs: {topic: x}}")
    assert files.problems(text) == []
    listing = files.catalog.workflow_listing()
    assert [item.name for item in listing.valid] == ["inner", "w"]
    ids = ["step_1", "draft", "plain", "check_links", "step_5", "step_6", "route"]
    assert files.catalog.workflow("w").template.step_ids() == ids


def test_what_is_not_known_is_not_checked(files: Files) -> None:
    text = FLOW + "  - {prompt: x, inputs: {anything: 1}}\n  - {tool: packaged, with: {x: 1}}\n"
    assert files.problems(text) == []


SUMS = '''\
from agentcli import tool


@tool
def add(a: int, b: int) -> int:
    """Add.

    Args:
        a: One.
        b: Other.
    """
    return a + b
'''


def test_tools_of_a_python_file_have_their_arguments_checked(files: Files) -> None:
    files.write("tools/sums.py", SUMS)
    text = "name: w\ntools: [{python: tools/sums.py}]\nsteps:\n  - {tool: add, with: {a: 1, c: 2}}\n"
    assert [info.what for info in files.problems(text)] == [
        "The argument `b` of the tool `add` is missing.",
        "The tool `add` has no argument `c`.",
    ]


FILE = "  - {{id: {0}, needs: [{1}], tool: create_file, with: {{path: {2}, content: x}}}}\n"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("a", "", "x.md"), ("b", "", "x.md")], [4]),
        ([("a", "", "x.md"), ("b", "", "./d/../x.md")], [4]),
        ([("a", "", "x.md"), ("b", "a", "x.md"), ("c", "", "x.md")], [5]),
        ([("a", "", "x.md"), ("b", "", "y.md"), ("c", "", "x.md")], [5]),
        ([("a", "", "x.md"), ("b", "a", "y.md"), ("c", "b", "x.md")], []),
        ([("a", "", "'{{ inputs.f }}'"), ("b", "", "'{{ inputs.f }}'")], []),
    ],
)
def test_two_steps_that_may_run_at_once_do_not_write_one_file(
    files: Files, steps: list[tuple[str, str, str]], told: list[int]
) -> None:
    head = "name: w\nsteps:\n"
    body = "".join(FILE.format(*step) for step in steps) + "inputs: {f: {}}\n"
    found = files.problems(head + body)
    assert [(info.code, info.line) for info in found] == [("E-TEMPLATE-SAME-FILE", line) for line in told]
    assert files.problems(head + body + "concurrency: 1\n") == []


def test_cases_and_moves_write_files_too(files: Files) -> None:
    text = FLOW + (
        "  - {id: a, needs: [], tool: move_file, with: {from: x, to: y}}\n"
        "  - {id: b, needs: [], switch: '{{ 1 }}', cases: {k: {tool: create_file, with: {path: y}}, "
        "j: {tool: create_file, with: {path: y}}}}\n"
    )
    assert [(info.line, info.column) for info in files.problems(text)] == [(4, 87), (4, 128)]
