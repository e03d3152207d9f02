//! The closed list of faults. Names are stable: schedules, reports and `--kinds` use them.

use std::fmt;

/// What is done to the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A process is killed and started again.
    Sigkill,
    /// A process is stopped past its session timeout and goes on as if nothing had happened.
    Zombie,
    /// A process is asked to end and started again; it stays a member meanwhile.
    Sigterm,
    /// One more process joins a stage.
    Join,
    /// A process leaves a stage for good.
    Leave,
    /// A broker is killed and started again.
    BrokerKill,
    /// The leadership of the stage's input and output partitions moves.
    LeaderMove,
    /// The coordinators of the group and of the transactions move.
    CoordinatorMove,
    /// Everything between product and brokers takes longer.
    NetDelay,
    /// Connections are closed and new ones refused.
    NetCut,
    /// Connections stay open and carry nothing.
    NetHalfOpen,
    /// Connections are reset.
    NetReset,
    /// The request that ends a transaction arrives late, after the client has given it up and asked again.
    EndTxnDelay,
    /// The request that ends a transaction arrives twice.
    EndTxnDuplicate,
    /// A process without its state is killed while it restores.
    KillInRestore,
    /// Another process joins while one without its state restores.
    RebalanceInRestore,
    /// The disk takes no writes of state.
    DiskWriteFails,
    /// Files of the state are damaged while the process is down.
    DamagedState,
    /// Many records that cannot be recorded, at once.
    PoisonFlood,
    /// A worker stands still for longer than its group lets it.
    MaxPollExceeded,
    /// The group's offsets are forgotten while no process of the stage lives.
    OffsetsDeleted,
}

/// How many nodes the cluster of a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// One node: what it goes through, everybody goes through.
    One,
    /// Three nodes, three copies, of which two must have a record.
    Three,
}

impl Nodes {
    /// As a number.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Sigkill,
        Self::Zombie,
        Self::Sigterm,
        Self::Join,
        Self::Leave,
        Self::BrokerKill,
        Self::LeaderMove,
        Self::CoordinatorMove,
        Self::NetDelay,
        Self::NetCut,
        Self::NetHalfOpen,
        Self::NetReset,
        Self::EndTxnDelay,
        Self::EndTxnDuplicate,
        Self::KillInRestore,
        Self::RebalanceInRestore,
        Self::DiskWriteFails,
        Self::DamagedState,
        Self::PoisonFlood,
        Self::MaxPollExceeded,
        Self::OffsetsDeleted,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigkill => "sigkill",
            Self::Zombie => "zombie",
            Self::Sigterm => "sigterm",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::BrokerKill => "broker_kill",
            Self::LeaderMove => "leader_move",
            Self::CoordinatorMove => "coordinator_move",
            Self::NetDelay => "net_delay",
            Self::NetCut => "net_cut",
            Self::NetHalfOpen => "net_half_open",
            Self::NetReset => "net_reset",
            Self::EndTxnDelay => "end_txn_delay",
            Self::EndTxnDuplicate => "end_txn_duplicate",
            Self::KillInRestore => "kill_in_restore",
            Self::RebalanceInRestore => "rebalance_in_restore",
            Self::DiskWriteFails => "disk_write_fails",
            Self::DamagedState => "damaged_state",
            Self::PoisonFlood => "poison_flood",
            Self::MaxPollExceeded => "max_poll_exceeded",
            Self::OffsetsDeleted => "offsets_deleted",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it can be done to a cluster of so many nodes.
    #[must_use]
    pub const fn possible_on(self, nodes: Nodes) -> bool {
        match nodes {
            Nodes::Three => true,
            Nodes::One => !self.moves(),
        }
    }

    /// Whether it moves something from one node to another.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::LeaderMove | Self::CoordinatorMove)
    }

    /// Whether it is done by a failpoint in the product.
    #[must_use]
    pub const fn needs_failpoints(self) -> bool {
        matches!(self, Self::DiskWriteFails | Self::MaxPollExceeded)
    }

    /// How long it lasts, in milliseconds: from and up to. Zombies and those who poll too late outlast their session.
    #[must_use]
    pub const fn hold_millis(self) -> (usize, usize) {
        match self {
            Self::Sigkill => (0, 6000),
            Self::Zombie => (7000, 10_000),
            Self::Sigterm | Self::Leave => (0, 3000),
            Self::Join => (1000, 4000),
            // The broker's own start comes on top.
            Self::BrokerKill => (300, 6000),
            Self::LeaderMove | Self::CoordinatorMove | Self::NetReset | Self::DamagedState => (0, 1000),
            Self::NetDelay => (3000, 8000),
            // Up to longer than a record may take: where one of three brokers is cut off, its transaction is aborted.
            Self::NetCut => (500, 20_000),
            Self::NetHalfOpen => (2000, 9000),
            // Longer than the client waits for an answer.
            Self::EndTxnDelay => (8500, 11_000),
            Self::EndTxnDuplicate => (2000, 6000),
            Self::KillInRestore | Self::RebalanceInRestore | Self::OffsetsDeleted => (0, 2000),
            Self::DiskWriteFails => (2000, 7000),
            Self::PoisonFlood => (500, 1500),
            Self::MaxPollExceeded => (31_500, 34_000),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("sigkil"), None);
    }

    #[test]
    fn only_moves_need_a_second_node() {
        let impossible: Vec<_> = Kind::ALL.into_iter().filter(|kind| !kind.possible_on(Nodes::One)).collect();
        assert_eq!(impossible, [Kind::LeaderMove, Kind::CoordinatorMove]);
    }
}
