"""What notes hold besides running text: dates, prices, prescriptions, formulas, names, headings of school work."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from .charset import CHARSET

_LATIN = "abcdefghijklmnopqrstuvwxyz"
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
_RECIPES = (
    "Rp.:", "D.S.", "M.D.S.", "D.t.d. N", "in tab.", "in amp.", "in caps.", "Sol.", "Tab.", "Ung.", "Aq. purif.",
    "Analgini", "Glucosae", "Ampicillini", "Natrii chloridi", "Dexamethasoni", "Acidi ascorbinici", "Furosemidi",
    "Ac. acetylsalicylici", "Drotaverini", "Heparini", "Diclofenaci", "Ceftriaxoni", "Nitroglycerini", "Atropini",
)  # fmt: skip
_SURNAMES = (
    "Иванов", "Петров", "Сидоров", "Кузнецов", "Смирнов", "Попов", "Васильев", "Соколов", "Михайлов", "Новиков",
    "Фёдоров", "Морозов", "Волков", "Алексеев", "Лебедев", "Семёнов", "Егоров", "Павлов", "Козлов", "Степанов",
    "Николаев", "Орлов", "Андреев", "Макаров", "Никитин", "Захаров", "Зайцев", "Соловьёв", "Борисов", "Яковлев",
    "Шевченко", "Щербаков", "Цветков", "Эльдаров", "Юдин", "Жуков", "Хасанов", "Чернов", "Уткин", "Громов",
)  # fmt: skip
_NAMES = (
    "Анна", "Мария", "Елена", "Ольга", "Наталья", "Татьяна", "Ирина", "Светлана", "Юлия", "Дарья", "Александр",
    "Сергей", "Дмитрий", "Андрей", "Алексей", "Иван", "Михаил", "Евгений", "Владимир", "Николай", "Фёдор", "Эдуард",
    "Миша", "Маша", "Саша", "Катя", "Петя", "Лёша", "Женя", "Щукарь", "Зоя", "Рита", "Галя", "Нина", "Вера", "Борис",
)  # fmt: skip
_PLACES = (
    "Москва", "Санкт-Петербург", "Новосибирск", "Екатеринбург", "Казань", "Нижний Новгород", "Челябинск", "Самара",
    "Омск", "Ростов-на-Дону", "Уфа", "Красноярск", "Воронеж", "Пермь", "Волгоград", "Саратов", "Тюмень", "Ижевск",
    "Барнаул", "Иркутск", "Хабаровск", "Ярославль", "Томск", "Кемерово", "Астана", "Алматы", "Шымкент", "Караганда",
    "Минск", "Киев", "Харьков", "Кишинёв", "Тбилиси", "Ереван", "Ташкент", "Бишкек", "Рязань", "Ленинград", "Россия",
    "Украина", "Казахстан", "Беларусь", "Англия", "Франция", "Волга", "Днепр", "Байкал", "Кавказ", "Крым", "Сибирь",
)  # fmt: skip
_HEADINGS = (
    "Классная работа", "Домашняя работа", "Контрольная работа", "Самостоятельная работа", "Упражнение", "Задача",
    "Решение", "Ответ", "Дано", "Найти", "Доказательство", "Теорема", "Определение", "Пример", "Лекция", "Вариант",
    "Сочинение", "Диктант", "Изложение", "Конспект", "Параграф", "Глава", "Тема", "План", "Вывод", "Задание", "Тетрадь",
    "по русскому языку", "по математике", "по физике", "ученика", "ученицы", "класса", "школы", "Введение", "Свойства",
)  # fmt: skip


def note(rng: Generator) -> str:
    """One of them, drawn alike."""
    return _MAKERS[int(rng.integers(len(_MAKERS)))](rng)


def _person(rng: Generator) -> str:
    surname, name = str(rng.choice(_SURNAMES)), str(rng.choice(_NAMES))
    first, second = (str(letter) for letter in rng.choice(list("АБВГДЕЁЖЗИКЛМНОПРСТУФХЭЮЯ"), 2))
    surname += "а" if rng.random() < 0.4 and surname[-1] in "вн" else ""
    forms = (f"{surname} {first}.{second}.", f"{first}. {second}. {surname}", f"{surname} {name}", name, surname,
             f"{first}.{second}. {surname}", f"{surname} {first}. {second}.")  # fmt: skip
    return forms[int(rng.integers(len(forms)))]


def _place(rng: Generator) -> str:
    place = str(rng.choice(_PLACES))
    forms = place, place, f"г. {place}", f"г.{place}, ул. {rng.choice(_SURNAMES)}а, д. {rng.integers(1, 200)}"
    return forms[int(rng.integers(len(forms)))]


def _heading(rng: Generator) -> str:
    heading, count = str(rng.choice(_HEADINGS)), int(rng.integers(1, 300))
    forms = heading, f"{heading}.", f"{heading}:", f"{heading} №{count}", f"{heading} {count}", f"{heading} № {count}."
    return forms[int(rng.integers(len(forms)))]


def _recipe(rng: Generator) -> str:
    parts = rng.choice(_RECIPES, int(rng.integers(1, 4))).tolist()
    return " ".join([*parts, str(rng.choice(("0,5", "0.25", "10 ml", "5%", "N 10", "1,0", "40% - 10 ml", "")))]).strip()


def number(rng: Generator) -> str:
    """A count, a sum or a decimal."""
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


_MAKERS: tuple[Callable[[Generator], str], ...] = (
    _date, _price, _dose, _formula, _abbreviated, _contact, number, _list_item, _code, _person, _place, _heading,
    _recipe,
)  # fmt: skip
