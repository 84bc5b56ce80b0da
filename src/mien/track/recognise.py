"""Who a body is, where motion does not say: after a crossing, an absence or a cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.track.assignment import Assign
from mien.track.associate import in_gate
from mien.track.body import Body, Person
from mien.track.motion import Motion
from mien.track.people import People
from mien.track.policy import TrackPolicy
from mien.track.sight import Sight

# By so much another person's likeness must fit better before a body is taken for somebody else.
OWN_BONUS: Final = 0.1
# What a pair is worth at least.
LEAST: Final = 1e-3
# A score this close below what is asked for may rise with another look.
UNCLEAR: Final = 0.1
# Until a likeness rests on so many looks, it is added to more often.
FEW_LOOKS: Final = 3


class Recogniser:
    """Decides for one tracker, with as few looks as it can."""

    def __init__(self, policy: TrackPolicy, people: People, assign: Assign) -> None:
        self._policy, self._people, self._assign = policy, people, assign

    def question(self, bodies: Sequence[Body], now: float) -> None:
        """Doubt bodies that stand where somebody was lost, when a new one appears there.

        It may be the one who stood in front that has moved on, and the one behind who is left.
        """
        born = [body for body in bodies if body.person is None and body.sightings == 1 and body.seen_now]
        if not born:
            return
        lost = [one for one in self._people.absent(bodies) if any(self._near(body, one, now) for body in born)]
        for body in bodies:
            if body.person and body.seen_now and any(self._near(body, one, now) for one in lost):
                body.doubt()

    def settle(self, bodies: Sequence[Body], sight: Sight, now: float) -> None:
        """Look at bodies in doubt, and exchange the people of those that were mixed up."""
        doubted = [body for body in bodies if body.doubted and body.person and body.seen_now]
        looked = [body for body in doubted if self._look_in_doubt(body, sight, now)]
        if not looked:
            return
        self._exchange(doubted, bodies, now)
        for body in looked:
            self._conclude(body, sight, now)

    def welcome(self, bodies: Sequence[Body], sight: Sight, now: float) -> tuple[list[int], list[int]]:
        """Give bodies without a person one: somebody who was away, or, where they are confirmed, a new one.

        The tracks that started, and the ended ones that came back.
        """
        new = [body for body in bodies if body.person is None and body.seen_now]
        if not new:
            return [], []
        away = self._people.absent(bodies)
        gone = self._people.ended
        for body in new:
            self._look_at_new(body, sight, now, away, gone)
        everybody = [*away, *gone]
        costs = np.array([[self._cost(body, one, sight, now) for one in everybody] for body in new])
        matched = {row: everybody[column] for row, column in self._assign(costs.reshape(len(new), -1))}
        started, returned = [], []
        for row, body in enumerate(new):
            if row in matched:
                returned += self._attach(body, matched[row], bodies, now)
            elif self._ripe(body, sight) and not self._waits(body, everybody, bodies, now):
                body.person = self._people.add(body)
                body.trust() if body.evidence is None else self._learn(body, now)
                started.append(body.person.track)
        return started, returned

    def refresh(self, bodies: Sequence[Body], sight: Sight, now: float) -> None:
        """Add to the likeness of people who are well visible, now and then; whoever looks like another is in doubt."""
        for body in bodies:
            if body.person is None or body.doubted or body.index is None or not self._due(body, body.person, now):
                continue
            if not (sight.clear(body.index) and sight.alone(body.index)):
                continue
            body.evidence = None
            body.looks(sight.embedding(body.index), now)
            if body.evidence is None:
                continue
            if self._likeness(body, body.person) >= self._policy.other_score or body.person.likeness is None:
                self._learn(body, now)
            else:
                body.doubted = True

    def _due(self, body: Body, person: Person, now: float) -> bool:
        few = person.likeness is None or person.likeness.looks < FEW_LOOKS
        pause = self._policy.doubt_seconds if few and not body.blind else self._policy.refresh_seconds
        return now - max(body.looked_seconds, person.looked_seconds) >= pause

    def _look_in_doubt(self, body: Body, sight: Sight, now: float) -> bool:
        if body.index is None or _since(body, now) < self._policy.doubt_seconds or not sight.clear(body.index):
            return False
        body.looks(sight.embedding(body.index), now)
        if body.blind:
            body.trust()
        return not body.blind

    def _exchange(self, doubted: Sequence[Body], bodies: Sequence[Body], now: float) -> None:
        """Assign the people of bodies in doubt, and those who are away, to these bodies, by what they look like."""
        own = [body.person for body in doubted if body.person]
        everybody = [*own, *self._people.absent(bodies)]
        costs = np.array([[self._exchange_cost(body, one, own, now) for one in everybody] for body in doubted])
        found = {row: everybody[column] for row, column in self._assign(costs)}
        for row, body in enumerate(doubted):
            person = found.get(row)
            if person is not body.person:
                # Its motion was made of two people's places.
                body.person, body.motion = None, Motion.start(body.detection.box)
                if person is not None:
                    self._take(body, person, bodies)

    def _exchange_cost(self, body: Body, person: Person, own: Sequence[Person], now: float) -> float:
        if body.evidence is None or person.likeness is None:
            if person is body.person:
                return -OWN_BONUS / 2
            return -LEAST if person in own else np.inf
        near = person in own or self._near(body, person, now)
        over = self._likeness(body, person) - self._asked(near)
        if person is body.person:
            return min(-over - OWN_BONUS, -LEAST)
        return -over - LEAST if over >= 0 else np.inf

    def _conclude(self, body: Body, sight: Sight, now: float) -> None:
        """End a body's doubt, if its looks say enough."""
        if body.person is None or body.evidence is None or body.index is None:
            return
        score, alone = self._likeness(body, body.person), sight.alone(body.index)
        if body.person.likeness is None or score >= self._policy.near_score:
            if alone:
                self._learn(body, now)
            body.trust()
        elif alone and body.evidence.looks >= self._policy.contradictions:
            if score < self._policy.other_score:
                body.person.motion, body.person = None, None
                body.doubted = False
            else:
                body.trust()

    def _look_at_new(
        self, body: Body, sight: Sight, now: float, away: Sequence[Person], gone: Sequence[Person]
    ) -> None:
        """Where somebody may have come back, and a look may tell."""
        ripe = self._ripe(body, sight)
        near = any(self._near(body, one, now) for one in away)
        wanted = near or (away and body.new_scene) or (ripe and (away or gone))
        if body.index is None or not wanted or _since(body, now) < self._policy.doubt_seconds:
            return
        waited_out = body.waits_since is not None and now - body.waits_since >= self._policy.wait_seconds
        if (sight.clear(body.index) and sight.alone(body.index)) or (waited_out and body.evidence is None):
            body.looks(sight.embedding(body.index), now)

    def _cost(self, body: Body, person: Person, sight: Sight, now: float) -> float:
        """Of taking a new body for somebody who was away."""
        if person.ended and not self._ripe(body, sight):
            return np.inf
        near = self._near(body, person, now)
        if body.evidence is not None and person.likeness is not None:
            over = self._likeness(body, person) - self._asked(near)
            return -over - LEAST if over >= 0 else np.inf
        # Nothing but motion can tell.
        waited_out = body.waits_since is not None and now - body.waits_since >= self._policy.wait_seconds
        unknown = person.likeness is None and self._ripe(body, sight)
        return -LEAST if near and (body.blind or waited_out or unknown) else np.inf

    def _attach(self, body: Body, person: Person, bodies: Sequence[Body], now: float) -> list[int]:
        returned = [person.track] if person.ended else []
        if person.ended:
            self._people.reopen(person)
        self._take(body, person, bodies)
        if body.evidence is not None:
            self._learn(body, now)
        elif not body.blind:
            body.doubt()
        return returned

    def _take(self, body: Body, person: Person, bodies: Sequence[Body]) -> None:
        """Give a body its person; who else was thought to be that person is nobody."""
        for other in bodies:
            if other.person is person:
                other.person = None
        body.person = person

    def _learn(self, body: Body, now: float) -> None:
        """Add what was seen to the likeness; the body is who it was thought to be."""
        person = body.person
        if person is not None and body.evidence is not None:
            person.likeness = person.likeness.joined(body.evidence) if person.likeness else body.evidence
            person.looked_seconds = now
        body.trust()

    def _waits(self, body: Body, everybody: Sequence[Person], bodies: Sequence[Body], now: float) -> bool:
        """Whether a further look may show that a confirmed body is somebody who is known."""
        known = [one for one in everybody if one.likeness is not None]
        doubts = any(one.doubted and one.person for one in bodies)
        if not (known or doubts) or body.blind:
            return False
        body.waits_since = now if body.waits_since is None else body.waits_since
        if now - body.waits_since >= self._policy.wait_seconds:
            return False
        if body.evidence is None or doubts:
            return True
        short = max(self._likeness(body, one) - self._asked(self._near(body, one, now)) for one in known)
        return short >= -UNCLEAR and body.evidence.looks < self._policy.contradictions

    def _ripe(self, body: Body, sight: Sight) -> bool:
        """Whether it was found often and long enough, and is not the second box of another face."""
        often = body.sightings >= self._policy.sightings
        long = body.last_seconds - body.first_seconds >= self._policy.confirm_seconds - 1e-6
        return often and long and body.index is not None and not sight.doubles(body.index)

    def _near(self, body: Body, person: Person, now: float) -> bool:
        """Whether motion agrees that the body is the person, who was away."""
        motion = person.ahead(now)
        return motion is not None and in_gate(motion, body)

    def _asked(self, near: bool) -> float:
        return self._policy.near_score if near else self._policy.far_score

    @staticmethod
    def _likeness(body: Body, person: Person) -> float:
        return body.evidence.score(person.likeness) if body.evidence and person.likeness else 0.0


def _since(body: Body, now: float) -> float:
    """Seconds since the last look, rounded up by less than any frame takes."""
    return now - body.looked_seconds + 1e-6
