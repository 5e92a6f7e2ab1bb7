"""Expense rule checker (handbook article HB-06).

This module is the authoritative statement of Fallowmere's expense limits. The
expense tool imports it, and there is no separate prose policy: if the tool
rejects a claim, the reason is in this file. Owner: Dev Chaudhry, Finance
Director. Questions: finance@fallowmere.example, extension 2300.

Hotel ceilings, daily allowances and the kilometre rate are travel matters and
live in the travel policy (HB-14), not here.

Approved claims are paid within 10 working days, with a bank transfer of their
own. They do not wait for the salary run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

# A claim must be filed within 45 days of the day the money was spent.
CLAIM_DEADLINE_DAYS = 45

# Late claims, from day 46 to day 90, need the department head's consent.
# After 90 days a claim is refused, with no exceptions for year-end.
FINAL_DEADLINE_DAYS = 90

# No receipt is needed below 15 EUR. Parking meters and lockers were the reason.
RECEIPT_THRESHOLD_EUR = 15.00

# With a lost receipt, a signed statement is accepted up to 60 EUR,
# but only twice per person and calendar year.
LOST_RECEIPT_LIMIT_EUR = 60.00
LOST_RECEIPTS_PER_YEAR = 2

# Client entertainment: at most 65 EUR per person, everyone at the table counted.
# The names of the guests and their company are compulsory.
CLIENT_MEAL_PER_PERSON_EUR = 65.00

# Team meals: at most 35 EUR per person, four times per calendar year.
TEAM_MEAL_PER_PERSON_EUR = 35.00
TEAM_MEALS_PER_YEAR = 4

# Tips are refunded up to 10 per cent of the bill.
TIP_SHARE = 0.10

# Gifts to customers: at most 50 EUR per recipient and year, never cash or vouchers.
# Gifts that we receive from suppliers are a procurement matter (HB-16).
CUSTOMER_GIFT_EUR = 50.00

# Leaving presents for colleagues: 30 EUR, plus 5 EUR for each year of service.
LEAVING_GIFT_BASE_EUR = 30.00
LEAVING_GIFT_PER_YEAR_EUR = 5.00

# Home internet: 25 EUR a month, only for people with three or more home days a week.
HOME_INTERNET_EUR = 25.00
HOME_INTERNET_MIN_DAYS = 3

# Claims up to 250 EUR are approved by the line manager alone.
# Above that, the department head approves as well; above 2,000 EUR, Finance too.
MANAGER_LIMIT_EUR = 250.00
DEPARTMENT_LIMIT_EUR = 2000.00

# Never refunded, whoever signs: fines, minibar, pet boarding, upgrades, lost umbrellas.
# The umbrellas are a matter of professional pride.
EXCLUDED = frozenset({"fine", "minibar", "pet boarding", "upgrade", "umbrella"})


class Verdict(Enum):
    """What the tool does with a claim."""

    ACCEPT = "accept"
    ASK_DEPARTMENT_HEAD = "ask department head"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Claim:
    """One line of an expense claim; amounts in euros, tips included."""

    category: str
    amount: float
    spent_on: date
    filed_on: date
    people: int = 1
    has_receipt: bool = True
    lost_receipts_this_year: int = 0


def check_deadline(claim: Claim) -> Verdict:
    """Compare the age of a claim with the two deadlines.

    The clock starts on the day of payment. For trips it starts on the last day
    of the trip, so that one claim can cover the whole journey.
    """
    age = (claim.filed_on - claim.spent_on).days
    if age <= CLAIM_DEADLINE_DAYS:
        return Verdict.ACCEPT
    if age <= FINAL_DEADLINE_DAYS:
        return Verdict.ASK_DEPARTMENT_HEAD
    return Verdict.REFUSE


def check_receipt(claim: Claim) -> Verdict:
    """Require a receipt, or accept a signed statement within its limits."""
    if claim.has_receipt or claim.amount < RECEIPT_THRESHOLD_EUR:
        return Verdict.ACCEPT
    within_amount = claim.amount <= LOST_RECEIPT_LIMIT_EUR
    within_count = claim.lost_receipts_this_year < LOST_RECEIPTS_PER_YEAR
    return Verdict.ACCEPT if within_amount and within_count else Verdict.REFUSE


def check_limit(claim: Claim) -> Verdict:
    """Apply the per-person limits; a meal above the limit is refused, not trimmed."""
    if claim.category in EXCLUDED:
        return Verdict.REFUSE
    limits = {
        "client meal": CLIENT_MEAL_PER_PERSON_EUR * claim.people,
        "team meal": TEAM_MEAL_PER_PERSON_EUR * claim.people,
        "customer gift": CUSTOMER_GIFT_EUR * claim.people,
        "home internet": HOME_INTERNET_EUR,
    }
    limit = limits.get(claim.category)
    return Verdict.REFUSE if limit is not None and claim.amount > limit else Verdict.ACCEPT


def approvers(amount: float) -> list[str]:
    """List who signs a claim of this amount, in order."""
    chain = ["line manager"]
    if amount > MANAGER_LIMIT_EUR:
        chain.append("department head")
    if amount > DEPARTMENT_LIMIT_EUR:
        chain.append("finance")
    return chain


def review(claim: Claim) -> Verdict:
    """Run all checks and return the strictest verdict."""
    verdicts = [check_deadline(claim), check_receipt(claim), check_limit(claim)]
    for verdict in (Verdict.REFUSE, Verdict.ASK_DEPARTMENT_HEAD):
        if verdict in verdicts:
            return verdict
    return Verdict.ACCEPT
