"""Invented people: names and contact points, drawn apart from everything that decides what becomes of a lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from porchlight.demo.brokerage import AGENTS
from porchlight.demo.places import AREA_CODES, ELSEWHERE, LIVE_AREA_CODES

GIVEN_NAMES = (
    "Aaron", "Abdi", "Adriana", "Aiko", "Alejandro", "Alice", "Amara", "Amit", "Ana", "Andre", "Anh", "Anneliese",
    "Asha", "Beatriz", "Ben", "Bianca", "Caleb", "Carmen", "Cedric", "Chloe", "Chidi", "Claire", "Connor", "Dalia",
    "Darnell", "Deepa", "Dmitri", "Elena", "Eli", "Emeka", "Emily", "Esther", "Fatima", "Felix", "Fiona", "Gabriel",
    "Giulia", "Hana", "Hassan", "Helen", "Hiro", "Ibrahim", "Imani", "Ines", "Isaac", "Ivy", "Jamal", "Jasmine",
    "Javier", "Jin", "Joanna", "Jorge", "Kai", "Karim", "Keisha", "Kevin", "Lakshmi", "Lars", "Latoya", "Leilani",
    "Leo", "Linh", "Lucia", "Luis", "Magda", "Malik", "Mariam", "Mateo", "Maya", "Mia", "Minh", "Monique", "Nadia",
    "Naomi", "Nikhil", "Nora", "Olga", "Omar", "Oscar", "Pablo", "Paige", "Patrick", "Quinn", "Rachel", "Rafael",
    "Rania", "Ravi", "Rosa", "Ruth", "Sam", "Sana", "Sean", "Shanice", "Sofia", "Stefan", "Tamika", "Tessa", "Thanh",
    "Theo", "Tyrone", "Valeria", "Victor", "Wei", "Will", "Ximena", "Yara", "Yuki", "Zainab", "Zoe",
)  # fmt: skip
FAMILY_NAMES = (
    "Abebe", "Adams", "Adeyemi", "Ahmed", "Alvarez", "Andersen", "Baker", "Banerjee", "Bauer", "Begay", "Bennett",
    "Bianchi", "Brown", "Campbell", "Carter", "Castro", "Chen", "Choi", "Cohen", "Coleman", "Cruz", "Davis", "Delgado",
    "Diaz", "Dubois", "Eriksen", "Evans", "Farah", "Fernandez", "Fitzgerald", "Flores", "Foster", "Garcia", "Ghosh",
    "Gonzalez", "Greene", "Gupta", "Haddad", "Hansen", "Harris", "Hernandez", "Hoang", "Hughes", "Ito", "Ivanov",
    "Jackson", "Jensen", "Johnson", "Joshi", "Kahale", "Kapoor", "Kaya", "Kelly", "Khan", "Kim", "Kovacs", "Kowalski",
    "Larsen", "Le", "Lee", "Levy", "Lewis", "Lin", "Lopez", "Martin", "Mbeki", "Mehta", "Mendoza", "Miller", "Mitchell",
    "Molina", "Moore", "Morales", "Murphy", "Nakamura", "Nasser", "Nguyen", "Novak", "O'Brien", "Okeke", "Olsen",
    "Ortiz", "Osei", "Park", "Patel", "Pereira", "Petrov", "Pham", "Price", "Ramirez", "Reyes", "Robinson", "Romano",
    "Rossi", "Santos", "Sato", "Schmidt", "Shah", "Singh", "Smith", "Sokolov", "Suzuki", "Tanaka", "Taylor", "Thomas",
    "Tran", "Turner", "Vargas", "Walker", "Wang", "Washington", "Williams", "Wilson", "Wong", "Wright", "Yamada",
    "Yilmaz", "Young", "Zhou", "Zimmermann",
)  # fmt: skip

_WITH_PHONE = 0.72
_FROM_ELSEWHERE = 0.24
_CODES_AT_HOME, _WEIGHTS_AT_HOME = ("OR", "WA", "CA", "TX", "NY", "CO"), (28, 36, 21, 5, 5, 5)
"""States of the phone numbers of people who live in the home metropolitan area, with weights."""

_MAIL_DOMAINS = ("example.com", "example.com", "example.net", "example.org")
_MARKS = 10_000
_MARK_STEP = 7919  # prime, so that every mark comes once before one comes again


@dataclass(frozen=True, slots=True)
class Person:
    """`home` is (city, state, postal code) where they live now; None for people of the home metropolitan area."""

    given_name: str
    family_name: str
    email: str
    phone: str | None
    home: tuple[str, str, str] | None


def people(rng: Random) -> Iterator[Person]:
    """Endless people, each with an e-mail address of their own and most with a phone number of their own.

    Addresses are at the domains of RFC 2606. Numbers are 555-0100 to 555-0199, which no real person has: an area code
    has only a hundred, so many people of the home area carry another state's code, as people do who moved.
    """
    numbers = _unused_numbers(rng)
    for number in count():
        home = rng.choice(ELSEWHERE) if rng.random() < _FROM_ELSEWHERE else None
        phone = None
        if rng.random() < _WITH_PHONE:
            state = home[1] if home else rng.choices(_CODES_AT_HOME, _WEIGHTS_AT_HOME)[0]
            pool = numbers[state] or next(filter(None, numbers.values()), [])
            phone = pool.pop() if pool else None
        yield _person(rng, number, phone, home)


def newcomers(rng: Random, first: int) -> Iterator[Person]:
    """Endless people who are none of `people`, numbered from `first` ≥ 10,000; a phone number returns after 2,100."""
    for number in count(first):
        area_code = LIVE_AREA_CODES[number // 100 % len(LIVE_AREA_CODES)]
        phone = f"+1{area_code}555{100 + number % 100:04d}" if rng.random() < _WITH_PHONE else None
        yield _person(rng, number, phone, rng.choice(ELSEWHERE) if rng.random() < _FROM_ELSEWHERE else None)


def _person(rng: Random, number: int, phone: str | None, home: tuple[str, str, str] | None) -> Person:
    given, family = rng.choice(GIVEN_NAMES), rng.choice(FAMILY_NAMES)
    return Person(given, family, _email(rng, given, family, number), phone, home)


def respelled_email(rng: Random, person: Person) -> str:
    """The person's e-mail address as somebody else's form might hold it."""
    spellings = (
        person.email.upper(),
        person.email.title(),
        f" {person.email} ",
        f"mailto:{person.email}",
        f"{person.given_name} {person.family_name} <{person.email}>",
    )
    return rng.choice(spellings)


def respelled_phone(rng: Random, phone: str) -> str:
    """A number of the form +1XXXXXXXXXX as people write it."""
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    return rng.choice(
        (
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"1 {area} {exchange} {line}",
            phone,
        )
    )


def _unused_numbers(rng: Random) -> dict[str, list[str]]:
    """Numbers by state in random order, the home metropolitan area's to be popped first."""
    taken = {agent.phone for agent in AGENTS}
    numbers: dict[str, list[str]] = {}
    for state, codes in AREA_CODES.items():
        numbers[state] = []
        for code in reversed(codes):
            hundred = [number for line in range(100, 200) if (number := f"+1{code}555{line:04d}") not in taken]
            rng.shuffle(hundred)
            numbers[state].extend(hundred)
    return numbers


def _email(rng: Random, given: str, family: str, number: int) -> str:
    mark = number * _MARK_STEP % _MARKS if number < _MARKS else number
    first, last = (name.lower().replace("'", "") for name in (given, family))
    local = rng.choice((f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{last}.{first}", f"{first}_{last}"))
    return f"{local}{mark}@{rng.choice(_MAIL_DOMAINS)}"
