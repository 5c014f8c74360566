//! A world that is made to follow a record: whoever was elsewhere is put there, whatever the rules say,
//! because it is known to have been so. No policy may use this.

use super::contention::Resident;
use super::{Part, Presence, Run, World};

impl World {
    /// Puts a workload on a host at once, room or not; moves of it that are under way are called off. One
    /// that has not come yet, or has left, stays away.
    pub(crate) fn put_as_recorded(&mut self, workload: usize, to: usize) {
        for id in self.tenants[workload].moves.clone() {
            self.withdraw(id);
        }
        if self.tenants[workload].presence == Presence::Absent {
            return;
        }
        self.account_homeless();
        let left: Vec<usize> = self.tenants[workload].parts.iter().map(|part| part.host).collect();
        let touched = || left.iter().copied().chain([to]);
        // Settle both ends before who is where changes.
        for host in touched() {
            self.refresh(host);
        }
        for host in &left {
            self.hosts[*host].remove(workload, None);
        }
        self.hosts[to].residents.push(Resident::replica(workload));
        let tenant = &mut self.tenants[workload];
        tenant.parts = vec![Part { host: to, share_permille: 1_000, run: Run::Running }];
        tenant.presence = Presence::Placed;
        for host in touched() {
            self.refresh(host);
        }
    }

    /// Counts a move of the record that could not be carried out as one: what it cost is not known.
    pub(crate) fn count_recorded_move(&mut self) {
        self.judge.add_migration();
    }
}
