//! Solves tasks in parallel, each within its share of the time that is left.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::ExplainEnv;
use crate::env::Stop;

/// Runs every task, starting them in order on as many threads as `env` allows. Answers are in the
/// order of the tasks. A task of weight 2 may take twice as long as a task of weight 1.
pub(super) fn solve_all<T: Sync, R: Send>(
    env: &ExplainEnv<'_>,
    tasks: &[(f64, T)],
    work: impl Fn(&T, &dyn Stop) -> R + Sync,
) -> Vec<R> {
    let threads = env.threads.clamp(1, tasks.len().max(1));
    let mut weight_from: Vec<f64> = tasks.iter().map(|&(weight, _)| weight).collect();
    for task in (1..weight_from.len()).rev() {
        weight_from[task - 1] += weight_from[task];
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((weight, task)) = tasks.get(at) else { return done };
            let part = (weight * threads as f64 / weight_from[at]).min(1.0);
            let stop = env.slices.slice(part);
            done.push((at, work(task, &*stop)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{NeverStop, StopReason};
    use crate::explain::Slices;
    use std::sync::Mutex;

    /// Writes down the parts that are asked for.
    #[derive(Default)]
    struct Parts(Mutex<Vec<f64>>);

    impl Stop for Parts {
        fn reason(&self) -> Option<StopReason> {
            None
        }
    }

    impl Slices for Parts {
        fn slice(&self, part: f64) -> Box<dyn Stop + '_> {
            self.0.lock().unwrap().push(part);
            Box::new(NeverStop)
        }
    }

    #[test]
    fn every_task_is_done_and_gets_its_share_of_what_is_left() {
        let parts = Parts::default();
        let tasks = [(2.0, "a"), (1.0, "b"), (1.0, "c")];
        let env = ExplainEnv { threads: 1, slices: &parts };
        assert_eq!(solve_all(&env, &tasks, |task, _| *task), ["a", "b", "c"]);
        assert_eq!(*parts.0.lock().unwrap(), [0.5, 0.5, 1.0]);

        let env = ExplainEnv { threads: 4, slices: &NeverStop };
        let many: Vec<(f64, usize)> = (0..100).map(|task| (1.0, task)).collect();
        assert_eq!(solve_all(&env, &many, |task, _| task * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert!(solve_all(&env, &[], |(): &(), _| ()).is_empty());
    }
}
