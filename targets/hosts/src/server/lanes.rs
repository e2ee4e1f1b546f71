//! The queue in front of the guests: requests that wait, in a lane for each route.
//!
//! The lane that has had the least of the processors' time comes next (start-time fair queueing). So a route whose
//! requests are cheap doesn't wait for one whose requests are dear, however many of those there are.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Which lane a request waits in: its route, or `None` where there are no routes to choose from.
pub(super) type LaneId = Option<usize>;

/// What waits, by lane. A lane, once used, stays: there are as many as a site has routes.
pub(super) struct Lanes<T> {
    lanes: BTreeMap<LaneId, Lane<T>>,
    /// Most guests, and most that wait, of all lanes together.
    guests: usize,
    queue: usize,
    /// How much waits in all.
    waiting: usize,
    /// What the lane had had that was chosen last. One that comes back begins there: time that it didn't ask for isn't
    /// saved up.
    clock: i64,
}

struct Lane<T> {
    waiting: VecDeque<T>,
    guests: usize,
    /// Of the guests, those that take long and may be computing at the priority of all.
    contending: usize,
    /// Nanoseconds of the processors' time that it has had.
    had: i64,
    /// What its next job may take, by those before.
    expected: i64,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), guests: 0, contending: 0, had: 0, expected: 0 }
    }
}

/// A job's turn: its lane, and what that was charged for it so far.
pub(super) struct Turn {
    lane: LaneId,
    charged: i64,
    contends: bool,
}

fn nanoseconds(time: Duration) -> i64 {
    time.as_nanos().try_into().unwrap_or(i64::MAX / 2)
}

/// What one lane may have of that: half, if there are others.
fn share(lane: LaneId, all: usize) -> usize {
    if lane.is_some() { all.div_ceil(2) } else { all }
}

impl<T> Lanes<T> {
    pub(super) fn new(guests: usize, queue: usize) -> Self {
        Self { lanes: BTreeMap::new(), guests, queue, waiting: 0, clock: 0 }
    }

    /// How much waits.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Has a job wait, and says whether there was room.
    pub(super) fn push(&mut self, id: LaneId, job: T) -> bool {
        if self.waiting >= self.queue {
            return false;
        }
        let lane = self.lanes.entry(id).or_default();
        if lane.waiting.len() >= share(id, self.queue) {
            return false;
        }
        if lane.waiting.is_empty() && lane.guests == 0 {
            lane.had = lane.had.max(self.clock);
        }
        lane.waiting.push_back(job);
        self.waiting += 1;
        true
    }

    /// The lane whose turn it is, of those that have something waiting and may have one more guest. Where several wait, a
    /// lane with a guest that takes long is stopped until that is out of the others' way.
    fn first(&self) -> Option<LaneId> {
        let several = self.lanes.values().filter(|lane| !lane.waiting.is_empty()).nth(1).is_some();
        let able = self.lanes.iter().filter(|(id, lane)| {
            let stopped = several && lane.contending > 0;
            !lane.waiting.is_empty() && lane.guests < share(**id, self.guests) && !stopped
        });
        able.min_by_key(|(_, lane)| lane.had).map(|(id, _)| *id)
    }

    /// Whether a job could have a guest.
    pub(super) fn has_next(&self) -> bool {
        self.first().is_some()
    }

    /// The next job. Its lane is charged what it is expected to take.
    pub(super) fn pop(&mut self) -> Option<(Turn, T)> {
        let id = self.first()?;
        let lane = self.lanes.get_mut(&id)?;
        let job = lane.waiting.pop_front()?;
        self.waiting -= 1;
        self.clock = self.clock.max(lane.had);
        lane.guests += 1;
        lane.had = lane.had.saturating_add(lane.expected);
        Some((Turn { lane: id, charged: lane.expected, contends: false }, job))
    }

    /// The job has taken so much by now.
    pub(super) fn charge(&mut self, turn: &mut Turn, taken: Duration) {
        let taken = nanoseconds(taken);
        if let Some(lane) = self.lanes.get_mut(&turn.lane) {
            lane.had = lane.had.saturating_add(taken - turn.charged);
            turn.charged = taken;
        }
    }

    /// The job takes long, and may compute at the priority of all; or that isn't so any more.
    pub(super) fn contends(&mut self, turn: &mut Turn, contends: bool) {
        if turn.contends == contends {
            return;
        }
        turn.contends = contends;
        if let Some(lane) = self.lanes.get_mut(&turn.lane) {
            lane.contending = if contends { lane.contending + 1 } else { lane.contending - 1 };
        }
    }

    /// The job is done.
    pub(super) fn end(&mut self, mut turn: Turn) {
        self.contends(&mut turn, false);
        if let Some(lane) = self.lanes.get_mut(&turn.lane) {
            lane.guests -= 1;
            lane.expected += (turn.charged - lane.expected) / 8;
        }
    }

    /// Takes back what waits in this lane and is `it`, and says whether there was any.
    pub(super) fn withdraw(&mut self, id: LaneId, mut is_it: impl FnMut(&T) -> bool) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        let before = lane.waiting.len();
        lane.waiting.retain(|job| !is_it(job));
        let withdrawn = before - lane.waiting.len();
        self.waiting -= withdrawn;
        withdrawn > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: LaneId = Some(1);
    const DEAR: LaneId = Some(2);

    /// Has one guest at a time serve lanes that always have something waiting, and says how long each had it.
    fn serve(jobs: usize, took: impl Fn(LaneId) -> Duration) -> BTreeMap<LaneId, Duration> {
        let mut lanes = Lanes::new(8, 8);
        let mut had = BTreeMap::new();
        for id in [DEAR, DEAR, CHEAP, CHEAP] {
            assert!(lanes.push(id, id));
        }
        for _ in 0..jobs {
            let (mut turn, id) = lanes.pop().unwrap();
            assert!(lanes.push(id, id));
            lanes.charge(&mut turn, took(id));
            lanes.end(turn);
            *had.entry(id).or_default() += took(id);
        }
        had
    }

    #[test]
    fn lanes_share_time_and_not_turns() {
        let had =
            serve(
                10_000,
                |id| if id == DEAR { Duration::from_millis(5) } else { Duration::from_micros(100) },
            );
        let (cheap, dear) = (had[&CHEAP], had[&DEAR]);
        assert!(cheap.abs_diff(dear) < Duration::from_millis(20), "{had:?}");
    }

    #[test]
    fn what_a_lane_does_not_use_is_not_saved_up() {
        let mut lanes = Lanes::new(8, 8);
        for _ in 0..1000 {
            lanes.push(CHEAP, ());
            let (mut turn, ()) = lanes.pop().unwrap();
            lanes.charge(&mut turn, Duration::from_millis(1));
            lanes.end(turn);
        }
        lanes.push(DEAR, ());
        lanes.push(CHEAP, ());
        let order = [lanes.pop().unwrap().0, lanes.pop().unwrap().0].map(|turn| turn.lane);
        assert_eq!(order, [DEAR, CHEAP], "and not DEAR a thousand times");
        assert!((lanes.lanes[&DEAR].had - lanes.clock).abs() <= 1_000_000, "it began where the other was");
    }

    #[test]
    fn a_lane_leaves_half_of_the_places_to_others() {
        let mut lanes = Lanes::new(4, 4);
        assert!(lanes.push(DEAR, ()) && lanes.push(DEAR, ()) && !lanes.push(DEAR, ()));
        let turns = [lanes.pop().unwrap().0, lanes.pop().unwrap().0];
        assert!(lanes.push(DEAR, ()) && !lanes.has_next() && lanes.pop().is_none());
        assert!(lanes.push(CHEAP, ()) && lanes.pop().is_some());
        for turn in turns {
            lanes.end(turn);
        }
        assert!(lanes.pop().is_some());
        assert_eq!(lanes.waiting(), 0);
        // Without routes, all of it.
        let mut lanes = Lanes::new(4, 4);
        assert!((0..4).all(|_| lanes.push(None, ())) && !lanes.push(None, ()));
        assert!((0..4).all(|_| lanes.pop().is_some()));
    }

    #[test]
    fn a_lane_with_a_long_guest_waits_for_others() {
        let mut lanes = Lanes::new(8, 8);
        for id in [DEAR, DEAR, CHEAP, CHEAP] {
            assert!(lanes.push(id, id));
        }
        let mut turn = std::iter::from_fn(|| lanes.pop()).find(|(_, id)| *id == DEAR).unwrap().0;
        lanes.push(CHEAP, CHEAP);
        lanes.contends(&mut turn, true);
        lanes.contends(&mut turn, true);
        while let Some((turn, id)) = lanes.pop() {
            lanes.end(turn);
            // Only when no other lane waits.
            assert!(id == CHEAP || lanes.waiting() == 0, "{id:?}");
        }
        for id in [DEAR, CHEAP] {
            assert!(lanes.push(id, id));
        }
        lanes.end(turn);
        assert_eq!(lanes.lanes[&DEAR].contending, 0);
        let both = [lanes.pop().unwrap().1, lanes.pop().unwrap().1];
        assert!(both.contains(&DEAR) && both.contains(&CHEAP));
    }

    #[test]
    fn what_is_withdrawn_is_not_done() {
        let mut lanes = Lanes::new(4, 4);
        assert!(lanes.push(None, 1) && lanes.push(None, 2));
        assert!(lanes.withdraw(None, |job| *job == 1) && !lanes.withdraw(None, |job| *job == 1));
        assert_eq!((lanes.waiting(), lanes.pop().unwrap().1), (1, 2));
    }
}
