//! Whose password is checked next.
//!
//! Few checks run at once and few wait, so that slow hashing can't take the machine. Those who wait are served
//! fairly: clients that were right before come before strangers, and among strangers the networks take turns. A
//! network may not hold more places than it leaves free, so a flood of guesses never fills the queue for others: it
//! waits for itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::network::Network;

/// Who asks, in the order in which they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The same user has been right from there before.
    Known,
    /// Everybody else.
    Stranger,
}

/// The turns at checking a password.
pub(super) struct Turns {
    parallel: usize,
    /// How many of each standing may wait.
    places: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    known: Lane,
    strangers: Lane,
}

/// Those of one standing who wait.
#[derive(Default)]
struct Lane {
    waiting: usize,
    /// Never an empty queue.
    queues: HashMap<Network, VecDeque<oneshot::Sender<Turn>>>,
    /// The networks of `queues`, the next one first.
    round: VecDeque<Network>,
}

/// A turn that will come.
pub(super) struct Ticket(oneshot::Receiver<Turn>);

impl Ticket {
    /// Waits for the turn; `None` when the program is ending.
    pub(super) async fn turn(self) -> Option<Turn> {
        self.0.await.ok()
    }
}

/// Held while a password is checked. Dropping it lets the next one in.
pub(super) struct Turn {
    /// `None` for one that nobody took.
    turns: Option<Arc<Turns>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            let mut state = turns.state();
            state.running -= 1;
            turns.serve(&mut state);
        }
    }
}

impl Turns {
    /// `parallel` checks at once, and so many `places` for those who wait.
    pub(super) fn new(parallel: usize, places: usize) -> Arc<Self> {
        Arc::new(Self {
            parallel,
            places,
            state: Mutex::default(),
        })
    }

    /// Takes a place; `None` when there is none left for this network.
    pub(super) fn enter(self: &Arc<Self>, standing: Standing, network: Network) -> Option<Ticket> {
        let mut state = self.state();
        let must_wait = state.running >= self.parallel;
        let lane = state.lane(standing);
        let own = lane.queues.get(&network).map_or(0, VecDeque::len);
        if must_wait && own >= self.places.saturating_sub(lane.waiting) {
            return None;
        }
        let (tell, told) = oneshot::channel();
        lane.push(network, tell);
        self.serve(&mut state);
        Some(Ticket(told))
    }

    /// Gives turns away as long as there are some.
    fn serve(self: &Arc<Self>, state: &mut State) {
        while state.running < self.parallel {
            let Some(next) = state.known.pop().or_else(|| state.strangers.pop()) else {
                return;
            };
            let turn = Turn {
                turns: Some(Arc::clone(self)),
            };
            match next.send(turn) {
                Ok(()) => state.running += 1,
                // Gone meanwhile. The turn must not end here, where the lock is held.
                Err(mut unused) => unused.turns = None,
            }
        }
    }

    /// Sections under the lock only count and move; a panic in one leaves whole data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lane(&mut self, standing: Standing) -> &mut Lane {
        match standing {
            Standing::Known => &mut self.known,
            Standing::Stranger => &mut self.strangers,
        }
    }
}

impl Lane {
    fn push(&mut self, network: Network, tell: oneshot::Sender<Turn>) {
        let queue = self.queues.entry(network).or_default();
        if queue.is_empty() {
            self.round.push_back(network);
        }
        queue.push_back(tell);
        self.waiting += 1;
    }

    fn pop(&mut self) -> Option<oneshot::Sender<Turn>> {
        let network = self.round.pop_front()?;
        let queue = self.queues.get_mut(&network)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&network);
        } else {
            self.round.push_back(network);
        }
        self.waiting -= 1;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{Known, Stranger};
    use super::*;

    fn network(last: u8) -> Network {
        Network::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    /// The next one who can go ahead, by position in the list.
    fn served(tickets: &mut [Option<Ticket>]) -> Vec<usize> {
        let mut order = Vec::new();
        let mut running = Vec::new();
        loop {
            let mut has_moved = false;
            for (index, slot) in tickets.iter_mut().enumerate() {
                let Some(ticket) = slot else { continue };
                if let Ok(turn) = ticket.0.try_recv() {
                    order.push(index);
                    running.push(turn);
                    *slot = None;
                    has_moved = true;
                }
            }
            if !has_moved {
                return order;
            }
            running.clear();
        }
    }

    #[test]
    fn networks_take_turns_and_the_known_come_first() {
        let turns = Turns::new(1, 64);
        let mut tickets: Vec<Option<Ticket>> = [
            (Stranger, 1),
            (Stranger, 1),
            (Stranger, 1),
            (Stranger, 2),
            (Stranger, 3),
            (Known, 1),
            (Stranger, 2),
        ]
        .into_iter()
        .map(|(standing, last)| turns.enter(standing, network(last)))
        .collect();
        assert_eq!(served(&mut tickets), [0, 5, 1, 3, 4, 2, 6]);
        let state = turns.state();
        assert_eq!(
            (
                state.running,
                state.strangers.waiting,
                state.strangers.queues.len()
            ),
            (0, 0, 0)
        );
    }

    #[test]
    fn one_network_fills_half_and_the_next_one_finds_a_place() {
        let turns = Turns::new(2, 64);
        let flood: Vec<_> = (0..200)
            .map_while(|_| turns.enter(Stranger, network(1)))
            .collect();
        assert_eq!(flood.len(), 2 + 32);
        let second: Vec<_> = (0..200)
            .map_while(|_| turns.enter(Stranger, network(2)))
            .collect();
        assert_eq!(second.len(), 16);
        assert!(turns.enter(Stranger, network(3)).is_some());
        assert!(turns.enter(Known, network(1)).is_some());
        // Many networks fill it, but not for those who are known.
        let everybody: Vec<_> = (4..=255)
            .map_while(|last| turns.enter(Stranger, network(last)))
            .collect();
        assert_eq!(turns.state().strangers.waiting, 64);
        assert!(turns.enter(Known, network(1)).is_some());
        drop((flood, second, everybody));
    }

    #[test]
    fn who_left_is_passed_over_and_without_places_nobody_waits() {
        let turns = Turns::new(1, 0);
        let first = turns.enter(Stranger, network(1)).unwrap();
        assert!(turns.enter(Stranger, network(2)).is_none());
        drop(first);
        assert_eq!(turns.state().running, 0);
        let turns = Turns::new(1, 8);
        let mut tickets: Vec<_> = (1..5).map(|last| turns.enter(Stranger, network(last))).collect();
        tickets[1] = None;
        tickets[2] = None;
        assert_eq!(served(&mut tickets), [0, 3]);
        assert_eq!(turns.state().running, 0);
    }
}
