//! The 12 categories of the catalog and the 3 report views each of them has.

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in the catalog's order.
            pub const ALL: [$name; [$($text),*].len()] = [$(Self::$variant),*];

            /// The name in topics, on the wire and on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == name)
            }

            /// The place in `ALL`.
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named! {
    /// A category of audit events.
    Category {
        /// Catalog events.
        Catalog => "catalog",
        /// Course and training plan events.
        CourseAndTrainingPlan => "course-and-training-plan",
        /// Session events.
        Session => "session",
        /// Completion set events.
        CompletionSet => "completion-set",
        /// Admin role events.
        AdminRole => "admin-role",
        /// Management role events.
        ManagementRole => "management-role",
        /// Skill events.
        Skill => "skill",
        /// User status events.
        UserStatus => "user-status",
        /// Certificate events.
        Certificate => "certificate",
        /// Course content events.
        CourseContent => "course-content",
        /// User progress events.
        UserProgress => "user-progress",
        /// API key events.
        ApiKey => "api-key",
    }
}

named! {
    /// A materialized view of one category.
    View {
        /// Counts per event type, catalog and window.
        Activity => "activity",
        /// Counts per actor and day.
        Actors => "actors",
        /// The current state of each subject.
        Register => "register",
    }
}

impl Category {
    /// Whether its register holds learner records, which a purge of a learner removes.
    #[must_use]
    pub const fn holds_learner_records(self) -> bool {
        matches!(
            self,
            Self::CourseAndTrainingPlan
                | Self::Skill
                | Self::UserStatus
                | Self::Certificate
                | Self::UserProgress
        )
    }
}
