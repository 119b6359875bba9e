"""What is written on the synthetic lines: Russian, English and mixed notes, all inside the recogniser's charset.

Words come from wordfreq's lists by tempered frequency, so rare forms are seen too; a share is invented, so that the
recogniser reads letters and does not learn a lexicon.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import wordfreq
from numpy.random import Generator
from numpy.typing import NDArray

from .charset import CHARSET, fold

RUSSIAN_SHARE, ENGLISH_SHARE = 0.66, 0.24
"""The rest is mixed: numbers, doses, prices, dates, formulas."""

_TEMPERS = (0.5, 0.9)
"""Words are drawn by share ** 0.5, so that rare forms come too, or by share ** 0.9, nearly as people write."""
_RARE = 0.35
"""Part of the lines that is drawn the first way."""
_INVENTED = 0.1
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = {"ru": _RUSSIAN, "en": _LATIN}
_LONGEST = 24
"""Letters of a word."""
_DRUGS = (
    "Парацетамол", "Анальгин", "Ибупрофен", "Амоксициллин", "Аспирин", "Но-шпа", "Супрастин", "Омепразол",
    "Метформин", "Эналаприл", "Бисопролол", "Лозартан", "Азитромицин", "Цефтриаксон", "Диклофенак", "Кетонал",
    "Нурофен", "Лоратадин", "Валериана", "Корвалол", "Глицин", "Магний-B6", "Фурацилин", "Мирамистин",
    "Paracetamol", "Ibuprofen", "Amoxicillin", "Aspirin", "Metformin", "Omeprazole", "Loratadine",
)  # fmt: skip
_MEASURES = (
    "мг", "г", "кг", "мл", "л", "см", "мм", "м", "км", "шт", "уп", "таб", "капс", "ед", "%", "°C", "руб", "р.",
    "mg", "g", "kg", "ml", "cm", "mm", "km", "pcs",
)  # fmt: skip
_ABBREVIATIONS = (
    "т.е.", "т.к.", "и т.д.", "и т.п.", "г.", "ул.", "д.", "кв.", "стр.", "рис.", "табл.", "др.", "пр.", "см.",
    "тел.", "им.", "обл.", "etc.", "e.g.", "i.e.", "Mr.", "Dr.",
)  # fmt: skip
_MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
    "декабря",
)  # fmt: skip
_DOSING = (
    "по 1 таб. 3 раза в день", "2 раза в день после еды", "на ночь", "утром и вечером", "перед едой", "курс 10 дней",
    "внутрь", "в/м", "по 5 мл", "1 р/д", "натощак", "S.", "Rp.:", "D.t.d. №10", "twice daily", "after meals",
)  # fmt: skip
_FUNCTIONS = ("sin x", "cos α", "log x", "f(x)", "x^2", "y = kx + b", "a^2 + b^2", "F = ma", "E = mc^2", "v = s/t")


@dataclass(frozen=True)
class Words:
    """A word list with its cumulative tempered frequencies."""

    words: list[str]
    cumulative: NDArray[np.float64]

    @classmethod
    def of(cls, language: str, temper: float) -> Words:
        words, shares = _listed(language)
        weights = shares**temper
        return cls(words, np.cumsum(weights / weights.sum()))

    def draw(self, rng: Generator) -> str:
        return self.words[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.words) - 1)]


@cache
def _listed(language: str) -> tuple[list[str], NDArray[np.float64]]:
    """wordfreq's words in the language's own letters, with their shares of running text."""
    letters = _ALPHABETS[language]
    pattern = re.compile(f"[{letters}]+(-[{letters}]+)?")
    found = wordfreq.get_frequency_dict(language, wordlist="best")
    kept = {word: share for word, share in found.items() if len(word) <= _LONGEST and pattern.fullmatch(word)}
    return list(kept), np.array(list(kept.values()))


class Texts:
    """Draws the text of a line. One instance is a few hundred thousand words: share it."""

    def __init__(self) -> None:
        self._russian = [Words.of("ru", temper) for temper in _TEMPERS]
        self._english = [Words.of("en", temper) for temper in _TEMPERS]

    def draw(self, rng: Generator) -> str:
        """A folded, non-empty text of one to eight words."""
        kind = rng.random()
        if kind < RUSSIAN_SHARE:
            text = self._running(rng, _one(rng, self._russian), _RUSSIAN)
        elif kind < RUSSIAN_SHARE + ENGLISH_SHARE:
            text = self._running(rng, _one(rng, self._english), _LATIN)
        else:
            text = self._mixed(rng)
        return fold(text) or self.draw(rng)

    def _running(self, rng: Generator, words: Words, alphabet: str) -> str:
        count = int(rng.choice((1, 2, 3, 4, 5, 6, 7, 8), p=(0.28, 0.2, 0.2, 0.15, 0.1, 0.04, 0.02, 0.01)))
        parts = [self._decorated(rng, self._word(rng, words, alphabet)) for _ in range(count)]
        if rng.random() < 0.3:
            parts[0] = parts[0][:1].upper() + parts[0][1:]
        if count > 1:
            parts = _cut_at_the_ends(rng, parts)
        if rng.random() < 0.06:
            parts = [_bracketed(rng, " ".join(parts))]
        if rng.random() < 0.08:
            parts.insert(int(rng.integers(len(parts) + 1)), _number(rng))
        return " ".join(parts)

    def _word(self, rng: Generator, words: Words, alphabet: str) -> str:
        if rng.random() >= _INVENTED:
            return words.draw(rng)
        if rng.random() < 0.3:
            return "".join(rng.choice(list(alphabet), rng.integers(1, 9)))
        first, second = words.draw(rng), words.draw(rng)
        return first[: int(rng.integers(1, len(first) + 1))] + second[int(rng.integers(len(second))) :]

    def _decorated(self, rng: Generator, word: str) -> str:
        case = rng.random()
        if case < 0.10:
            word = word.capitalize()
        elif case < 0.145:
            word = word.upper()
        mark = rng.random()
        if mark < 0.13:
            return word + ","
        if mark < 0.24:
            return word + str(rng.choice(list("..........::;;!?")))
        if mark < 0.265:
            return word + " —"
        return word

    def _mixed(self, rng: Generator) -> str:
        makers = (_date, _price, _dose, _formula, _abbreviated, _contact, _number, _list_item, _code)
        part = makers[int(rng.integers(len(makers)))](rng)
        words = _one(rng, self._russian if rng.random() < 0.7 else self._english)
        before = [words.draw(rng) for _ in range(int(rng.integers(0, 3)))]
        after = [words.draw(rng) for _ in range(int(rng.integers(0, 2)))]
        return " ".join([*before, part, *after])


def _one(rng: Generator, lists: list[Words]) -> Words:
    """A list of the common or of the rare temper."""
    return lists[int(rng.random() >= _RARE)]


def _cut_at_the_ends(rng: Generator, parts: list[str]) -> list[str]:
    """Words broken over the line's end, with the hyphen at the end and the rest at the next line's start."""
    if rng.random() < 0.12 and len(parts[-1]) > 4:
        parts = [*parts[:-1], parts[-1].rstrip(".,:;!?— ")[: int(rng.integers(2, len(parts[-1]) - 1))] + "-"]
    if rng.random() < 0.12 and len(parts[0]) > 4:
        parts = [parts[0][int(rng.integers(2, len(parts[0]) - 1)) :], *parts[1:]]
    return parts


def _bracketed(rng: Generator, text: str) -> str:
    opening, closing = ("()", "«»", '""', "[]", "''", "«»", "()")[int(rng.integers(7))]
    return opening + text + closing


def _number(rng: Generator) -> str:
    digits = "".join(rng.choice(list("0123456789"), rng.integers(1, 7)))
    kind = rng.random()
    if kind < 0.25:
        return f"{digits},{rng.integers(100)}"
    if kind < 0.35:
        return f"{rng.integers(1000)}.{rng.integers(100)}"
    if kind < 0.45:
        return f"{rng.integers(1, 999)} {rng.integers(1000):03d}"
    return digits


def _date(rng: Generator) -> str:
    day, month, year = int(rng.integers(1, 32)), int(rng.integers(1, 13)), int(rng.integers(1950, 2030))
    forms = (
        f"{day:02d}.{month:02d}.{year}", f"{day}.{month:02d}.{year % 100:02d}", f"{day} {_MONTHS[month - 1]} {year} г.",
        f"{day}/{month}/{year}", f"{rng.integers(24)}:{rng.integers(60):02d}", f"{day} {_MONTHS[month - 1]}",
    )  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _price(rng: Generator) -> str:
    amount, kopecks = int(rng.integers(1, 20000)), int(rng.integers(100))
    forms = (f"{amount} ₽", f"{amount} руб.", f"{amount}-{kopecks:02d}", f"${amount}", f"{amount} €", f"{amount}р.",
             f"{amount},{kopecks:02d} руб", f"{amount} руб. {kopecks:02d} коп.")  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _dose(rng: Generator) -> str:
    drug, measure = str(rng.choice(_DRUGS)), str(rng.choice(_MEASURES))
    amount = str(rng.choice(("0,5", "1", "2", "5", "10", "20", "25", "50", "100", "250", "500", "0.05", "1/2", "1000")))
    forms = (f"{drug} {amount} {measure}", f"{drug} {amount}{measure} №{rng.integers(5, 61)}",
             f"{drug} {rng.choice(_DOSING)}", str(rng.choice(_DOSING)))  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _formula(rng: Generator) -> str:
    a, b = int(rng.integers(1, 100)), int(rng.integers(1, 100))
    sign = str(rng.choice(list("+-*/:×")))
    x = str(rng.choice(list("xyabnXYскт")))
    forms = (f"{a} {sign} {b} = {rng.integers(1, 1000)}", f"{a}{x} {sign} {b} = 0", f"{x} = {a}/{b}", f"{a}%",
             f"{x} < {a}", f"{x} > {a}", f"({x} + {a})({x} - {b})", f"{a}°", str(rng.choice(_FUNCTIONS)),
             f"{x}_{a % 10} = {b}", f"{{{a}; {b}}}", f"[{a}, {b}]", f"|{x}| ~ {b}")  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _abbreviated(rng: Generator) -> str:
    number = f" {rng.integers(1, 300)}" if rng.random() < 0.5 else ""
    return str(rng.choice(_ABBREVIATIONS)) + number


def _contact(rng: Generator) -> str:
    digits = "".join(rng.choice(list("0123456789"), 10))
    name = "".join(rng.choice(list(_LATIN), rng.integers(3, 8)))
    a, b, c, d = digits[:3], digits[3:6], digits[6:8], digits[8:]
    forms = (f"8-{a}-{b}-{c}-{d}", f"+7 ({a}) {b}-{c}{d}", f"{name}@mail.ru", f"@{name}", f"#{name}", f"{name}.ru/{c}",
             f"№{a}")  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _list_item(rng: Generator) -> str:
    return f"{rng.integers(1, 30)}{rng.choice(list(').'))}"


def _code(rng: Generator) -> str:
    """Any characters at all, so that none is missing from what was trained on."""
    return "".join(rng.choice(list(CHARSET[1:]), rng.integers(1, 7)))
