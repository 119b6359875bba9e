"""Builds the language model that the decoder weighs readings with: word lists with shares, letter statistics."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import wordfreq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from zorky_server.tasks.handwriting.decoding import LineDecoder
from zorky_server.tasks.handwriting.grammar import Weights
from zorky_server.tasks.handwriting.language_model import CONTEXT, END, SCRIPTS, STEP, LanguageModel
from zorky_server.tasks.handwriting.model import PARTS

from .charset import CHARSET
from .evaluate import dev_sets, onnx_network
from .fit_decoding import drawn, fit, measured
from .lines import Engine, Sources
from .package import file_entry

RAREST = {"ru": 2e-8, "en": 3e-8}
"""Shares of running text: rarer words are left to the letter statistics."""
_LONGEST = 24
_BROKEN = 2e-6
"""Words at least as frequent lend their rests, as they stand after a hyphen at a line's end."""
_VOWELS = "аеиоуыэюяaeiouy"
_DISCOUNT = 0.75
"""Taken from each count for the shorter context (absolute discounting, Ney 1994)."""
_JOINED = 0.1
"""Of what wordfreq makes of the shares of a hyphenated word's parts."""
_INTERROGATIVES = (
    "кто", "кого", "кому", "кем", "ком", "что", "чего", "чему", "чем", "какой", "какая", "какое", "какие", "какого",
    "какому", "каким", "каком", "какую", "какими", "каких", "чей", "чья", "чье", "чьи", "где", "куда", "откуда",
    "когда", "как", "почему", "зачем", "сколько", "отчего",
)  # fmt: skip
_HYPHENATED = (
    "из-за", "из-под", "все-таки", "во-первых", "во-вторых", "в-третьих", "по-моему", "по-твоему", "по-своему",
    "по-нашему", "по-вашему", "по-русски", "по-английски", "по-немецки", "по-французски", "по-прежнему", "по-новому",
    "по-старому", "по-другому", "по-разному", "по-настоящему", "по-видимому", "чуть-чуть", "еле-еле", "давным-давно",
    "так-то", "то-то", "наконец-то", "крест-накрест", "бок-о-бок", "точь-в-точь", "северо-запад", "юго-восток",
)  # fmt: skip
_MOST = 120
"""Crops of each set of the measuring data that weights are fitted on."""
_UNIFORM = 0.04
"""Share of letters that follow no rule: codes, foreign names."""


def word_shares(language: str) -> dict[str, float]:
    """wordfreq's words in the language's letters, lower case and ё as е, with their shares of running text."""
    letters = re.escape(SCRIPTS[language].replace("-", ""))
    pattern = re.compile(f"[{letters}]+(-[{letters}]+)*")
    shares: dict[str, float] = {}
    for word, share in wordfreq.get_frequency_dict(language, wordlist="best").items():
        plain = word.replace("ё", "е")
        if len(plain) <= _LONGEST and pattern.fullmatch(plain):
            shares[plain] = shares.get(plain, 0) + share
    for word in _hyphenated() if language == "ru" else ():
        shares[word] = _JOINED * wordfreq.word_frequency(word, language)
    return shares


def _hyphenated() -> set[str]:
    """Words that the lists give in parts only."""
    indefinite = {f"{word}-{particle}" for word in _INTERROGATIVES for particle in ("то", "нибудь", "либо")}
    return indefinite | {f"кое-{word}" for word in _INTERROGATIVES} | set(_HYPHENATED)


def rests(shares: Mapping[str, float]) -> dict[str, float]:
    """What may follow a hyphen at a line's end: both parts of a broken word have a vowel and two letters."""
    found: dict[str, float] = {}
    for word, share in shares.items():
        for i in range(2, len(word) - 1) if share >= _BROKEN and word.isalpha() else ():
            if any(c in _VOWELS for c in word[:i]) and any(c in _VOWELS for c in word[i:]) and word[i] not in "ьъы":
                found[word[i:]] = found.get(word[i:], 0) + share
    return found


def trie_arrays(shares: Mapping[str, float], alphabet: str) -> dict[str, NDArray[np.uint8]]:
    """Arrays of zorky_server's Trie: labels, costs and number of children of each node."""
    words = sorted(shares, key=lambda word: [alphabet.index(c) for c in word])
    table = _labels(words, alphabet)
    mass = np.array([shares[word] for word in words])
    lengths = (table != END).sum(axis=1) + 1
    common = np.concatenate(([-1], (table[1:] != table[:-1]).argmax(axis=1)))
    labels: list[NDArray[Any]] = [np.zeros(1)]
    costs: list[NDArray[Any]] = [np.zeros(1)]
    children: list[NDArray[Any]] = []
    parent_of, parent_mass = np.zeros(len(words), int), np.array([mass.sum()])
    for depth in range(1, lengths.max() + 1):
        opens = (common < depth) & (lengths >= depth)
        starts = np.flatnonzero(opens)
        below = np.add.reduceat(np.where(lengths >= depth, mass, 0), starts)
        parents = parent_of[starts]
        labels.append(table[starts, depth - 1])
        costs.append(_in_steps(below / parent_mass[parents]))
        children.append(np.bincount(parents, minlength=len(parent_mass)))
        parent_of, parent_mass = np.cumsum(opens) - 1, below
    children.append(np.zeros(len(parent_mass)))
    levels = {"labels": labels, "costs": costs, "children": children}
    return {name: np.concatenate(arrays).astype(np.uint8) for name, arrays in levels.items()}


def letter_costs(shares: Mapping[str, float], ends: Mapping[str, float], alphabet: str) -> NDArray[np.uint8]:
    """Costs of a letter after CONTEXT others, (labels,) * (CONTEXT + 1), each word counted once, so that rare ones
    speak. Before a word all is END; before the rest of a broken word, unknown."""
    size = len(alphabet) + 2
    counts = _counts(_labels(list(shares), alphabet), size, END) + _counts(
        _labels(list(ends), alphabet), size, size - 1
    )
    p = np.full(size, 1 / (size - 1))
    p[-1] = 0
    uniform = p
    for order in range(1, CONTEXT + 2):
        seen = counts.sum(axis=tuple(range(CONTEXT + 1 - order)))
        total = np.maximum(seen.sum(axis=-1, keepdims=True), 1)
        kept = np.maximum(seen - _DISCOUNT, 0)
        p = kept / total + (1 - kept.sum(axis=-1, keepdims=True) / total) * p
    return _in_steps(np.maximum((1 - _UNIFORM) * p + _UNIFORM * uniform, 1e-12)).astype(np.uint8)


def letter_rarity(shares: Mapping[str, float], alphabet: str) -> NDArray[np.uint8]:
    """By label: cost of the letter's share of running text; the mean of all where it is no letter."""
    table = _labels(list(shares), alphabet)
    weights = np.repeat(np.array(list(shares.values()))[:, None], table.shape[1], axis=1)
    found = np.bincount(table.ravel(), weights.ravel(), minlength=len(alphabet) + 2)[1:-1]
    costs = _in_steps(np.maximum(found / found.sum(), 1e-9))
    is_letter = np.array([c.isalpha() for c in alphabet])
    mean = costs[is_letter].mean()
    return np.concatenate(([mean], np.where(is_letter, costs, mean), [mean])).astype(np.uint8)


def _counts(table: NDArray[np.uint8], size: int, before: int) -> NDArray[np.float64]:
    padded = np.pad(table.astype(np.int64), ((0, 0), (CONTEXT, 1)))
    padded[:, :CONTEXT] = before
    counts = np.zeros(size ** (CONTEXT + 1))
    for i in range(CONTEXT, padded.shape[1]):
        live = (padded[:, i] != END) | ((padded[:, i - 1] != END) & (i > CONTEXT))
        code = np.zeros(int(live.sum()), np.int64)
        for j in range(i - CONTEXT, i + 1):
            code = code * size + padded[live, j]
        counts += np.bincount(code, minlength=len(counts))
    return counts.reshape((size,) * (CONTEXT + 1))


def _labels(words: list[str], alphabet: str) -> NDArray[np.uint8]:
    """(words, longest + 1) labels, closed and filled by END."""
    table = np.zeros((len(words), max(map(len, words)) + 1), np.uint8)
    for row, word in zip(table, words, strict=True):
        row[: len(word)] = [alphabet.index(c) + 1 for c in word]
    return table


def _in_steps(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.round(-np.log(p) / STEP), 0, 255)


def build(path: Path) -> None:
    """Writes the model's file."""
    arrays: dict[str, NDArray[np.uint8]] = {}
    for language, alphabet in SCRIPTS.items():
        shares = word_shares(language)
        known = {word: share for word, share in shares.items() if share >= RAREST[language]}
        ends = rests(known)
        for part, listed in (("words", known), ("rests", ends)):
            arrays |= {f"{language}.{part}.{k}": v for k, v in trie_arrays(listed, alphabet).items()}
        arrays[f"{language}.letters"] = letter_costs(shares, ends, alphabet).ravel()
        arrays[f"{language}.rarity"] = letter_rarity(known, alphabet)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def record(folder: Path, part: str) -> None:
    """Has folder/manifest.json name the part's file as it is now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["weights"][part] = file_entry(folder / PARTS[part])
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train language-model`."""
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("language-model", help="build the language model, or fit its weights")
    parser.add_argument("--folder", type=Path, default=Path("models/src/zorky_models/handwriting"))
    parser.add_argument("--fit", action="store_true", help="keep the model as it is and fit its weights")
    parser.add_argument("--recognizer", type=Path, help="fit beside this one (default: the folder's)")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="with train/ and dev/ (default: $ZORKY_DATA)"
    )
    parser.add_argument("--lines", type=int, default=400, help="how many are drawn")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.fit:
        _fit(arguments)
        return
    build(arguments.folder / PARTS["language_model"])
    record(arguments.folder, "language_model")


def _fit(arguments: argparse.Namespace) -> None:
    folder, data = arguments.folder, arguments.data
    network = onnx_network(arguments.recognizer or folder / PARTS["recognizer"])
    engine = Engine(Sources(arguments.fonts, data / "train" if data else None), seed=0, held_out=True)
    sets = drawn(engine, network, arguments.lines)
    sets += [measured(source, network) for source in (dev_sets(data / "dev", _MOST) if data else [])]
    path, model = folder / PARTS["decoding"], LanguageModel.load(folder / PARTS["language_model"])
    weights = fit(sets, model, Weights(**json.loads(path.read_text())))
    decoder = LineDecoder(CHARSET, model, weights)
    table = Table("lines", "crops", "CER greedy", "CER")
    for one in sets:
        table.add_row(one.name, str(len(one.texts)), f"{one.greedy_cer:.3f}", f"{one.cer(decoder):.3f}")
    Console().print(table, weights)
    path.write_text(json.dumps(asdict(weights), indent=2) + "\n")
    record(folder, "decoding")
