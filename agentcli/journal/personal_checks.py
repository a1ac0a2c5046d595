"""Whether what looks like personal data is: checksums, lengths, and addresses that belong to somebody."""

from __future__ import annotations

from typing import Final

_REGISTRY: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
    "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 "
    "KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 "
    "PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 "
    "UA29 VA22 VG24 XK20 YE30"
)
"""Countries and the length of their IBANs: the registry that SWIFT keeps for ISO 13616, version 101."""

_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}

_CARDS: Final = (
    (("4",), (13, 16, 19)),
    (tuple(str(number) for number in range(51, 56)), (16,)),
    (tuple(str(number) for number in range(2221, 2721)), (16,)),
    (("34", "37"), (15,)),
    (("300", "301", "302", "303", "304", "305", "36", "38", "39"), (14, 16)),
    (("35", "6", "50", "56", "57", "58", "220", "81", "9792"), (16, 19)),
)
"""How numbers of cards begin (ISO/IEC 7812), and how many digits such ones have: Visa, Mastercard, American Express,
Diners Club, and those of the others.
"""


def iban_length(country: str) -> int | None:
    """How many characters an IBAN of a country has; None where it has none."""
    return _LENGTHS.get(country)


def is_iban(compact: str) -> bool:
    """Whether an IBAN without separators, in capitals, has its country's length and the right check digits."""
    if _LENGTHS.get(compact[:2]) != len(compact) or not compact.isascii() or not compact.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def is_card(digits: str) -> bool:
    """Whether digits are the number of a payment card: by how it begins, its length, and its check digit (Luhn)."""
    return _is_issued(digits) and _luhn(digits)


def _is_issued(digits: str) -> bool:
    return any(len(digits) in lengths and digits.startswith(begins) for begins, lengths in _CARDS)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_public_address(text: str) -> bool:
    """Whether an IP address is one of the public internet: those of a home or a machine's own belong to everybody."""
    from ipaddress import ip_address

    from agentcli.sandbox.network.addresses import why_not_global

    try:
        address = ip_address(text)
    except ValueError:
        return False
    return why_not_global(address) is None
