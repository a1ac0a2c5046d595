"""Every command, by name: what help lists without importing any of them."""

from __future__ import annotations

from agentcli.core.values import value

WORK = "Work"
LOOK = "Look back"
CATALOG = "What there is"
SETUP = "Settings and health"


@value(frozen=True, slots=True)
class Entry:
    """A command or a group.

    `module` is relative to `agentcli.cli.commands`; `default` names the child that a bare group stands for, `otherwise`
    the one that words are for which name no child.
    """

    name: str
    help: str
    module: str = ""
    panel: str = ""
    children: tuple[Entry, ...] = ()
    default: str | None = None
    otherwise: str | None = None

    def child(self, name: str | None) -> Entry | None:
        """The child of that name."""
        return next((child for child in self.children if child.name == name), None)


ROOT = Entry(
    "agentcli",
    "A workbench for LLM agents in the terminal: a run is its journal.",
    children=(
        Entry("init", "Make a project in a folder, and check it.", "init", WORK),
        Entry("run", "Give an agent a task.", "run", WORK),
        Entry(
            "workflow",
            "Prompt lists and step graphs.",
            panel=WORK,
            default="list",
            otherwise="run",
            children=(
                Entry("run", "Run a workflow, from its first step to its last.", "workflow.run"),
                Entry("list", "List the workflows of this project, of yours, and the built-in ones.", "workflow.list"),
                Entry("show", "Show one workflow: its steps in order, with what each waits for.", "workflow.show"),
                Entry(
                    "check",
                    "Check workflows; every mistake is told with its line, and nothing is executed.",
                    "workflow.check",
                ),
            ),
        ),
        Entry("resume", "Go on with a run that has stopped; nothing completed is done again.", "resume", WORK),
        Entry("fork", "Begin a new run from a point of an old one.", "fork", WORK),
        Entry("replay", "Carry a run out again from its record alone, and compare.", "replay", LOOK),
        Entry("test", "Replay recordings against the templates of today.", "test", LOOK),
        Entry("diff", "Say what differs between two runs, and what caused it.", "diff", LOOK),
        Entry("bisect", "Find the recorded result that makes a run fail where another one passes.", "bisect", LOOK),
        Entry(
            "runs",
            "What was run, and what happened in it.",
            panel=LOOK,
            default="list",
            children=(
                Entry("list", "List runs, newest first.", "runs.list"),
                Entry("show", "Show one run: its turns, calls, times, tokens and cost.", "runs.show"),
                Entry("tail", "Follow a run while it is written, until it ends.", "runs.tail"),
                Entry("stats", "Sum up runs: tokens, cost, times and errors.", "runs.stats"),
                Entry("verify", "Check that a run's record is whole and as it was written.", "runs.verify"),
                Entry("tag", "Tag a run, so that it is found by its tag and kept by prune.", "runs.tag"),
                Entry("export", "Write a run into one file: to keep, to hand on, to look at.", "runs.export"),
                Entry(
                    "import",
                    "Take in runs from bundles; each is checked first, and taken whole or not at all.",
                    "runs.import_",
                ),
                Entry(
                    "prune", "Remove runs that are old, too many or too large, and give the space back.", "runs.prune"
                ),
            ),
        ),
        Entry(
            "agents",
            "The agents that can be run.",
            panel=CATALOG,
            default="list",
            children=(
                Entry("list", "List the agents of this project, of yours, and the built-in ones.", "agents.list"),
                Entry("show", "Show one agent as it is understood.", "agents.show"),
            ),
        ),
        Entry(
            "tools",
            "The tools that agents can be given.",
            panel=CATALOG,
            default="list",
            children=(
                Entry("list", "List the tools.", "tools.list"),
                Entry(
                    "show",
                    "Show one tool: arguments, examples, what it changes, whether it would be allowed here.",
                    "tools.show",
                ),
                Entry(
                    "call",
                    "Call one tool by hand, under the same permissions as an agent's call, on record.",
                    "tools.call",
                ),
                Entry(
                    "schema",
                    "Print the schema of a tool's arguments, or of all tools, for other programs.",
                    "tools.schema",
                ),
            ),
        ),
        Entry(
            "models",
            "The model that would be used and why; models that run on this machine.",
            panel=CATALOG,
            default="list",
            children=(
                Entry("list", "Say which model would be used and why, and list the embedded ones.", "models.list"),
                Entry("pull", "Download an embedded model and check it.", "models.pull"),
                Entry("path", "Print the path of a pulled model.", "models.path"),
            ),
        ),
        Entry(
            "config",
            "Settings and where they come from.",
            panel=SETUP,
            default="show",
            children=(
                Entry("show", "Show every setting, its value and its source.", "config.show"),
                Entry("check", "Check settings and templates.", "config.check"),
                Entry("path", "Print the files and folders that are used.", "config.path"),
                Entry("schema", "Print the JSON Schema of a file format.", "config.schema"),
            ),
        ),
        Entry("trust", "Trust a project: its permissions and code take effect.", "trust", SETUP),
        Entry("doctor", "Check that everything needed is there and works.", "doctor", SETUP),
        Entry("completion", "Print the completion script for a shell.", "completion", SETUP),
    ),
)
