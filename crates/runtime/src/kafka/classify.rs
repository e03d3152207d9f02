//! Which remedy an error of librdkafka calls for.

use rdkafka_sys::rd_kafka_resp_err_t as Code;

use super::native::NativeError;
use crate::error::{BrokerError, Cause, Remedy};

/// Errors that say only that a broker or the network is away.
const TRANSPORT: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR__TRANSPORT,
    Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
    Code::RD_KAFKA_RESP_ERR__RESOLVE,
    Code::RD_KAFKA_RESP_ERR__TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
    Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR__WAIT_COORD,
    Code::RD_KAFKA_RESP_ERR__NODE_UPDATE,
    // Of a partition that a broker leaves out while it starts or is fenced by its controller. That there are all of them is
    // checked at the start and every minute, and is not decided here.
    Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
    Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
    Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
    Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    Code::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    Code::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
];

const FENCED: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR__FENCED,
    Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
    Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
    Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
    Code::RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED,
];

const NO_TOPIC: &[Code] =
    &[Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC];

/// Errors that no waiting and no rebuilding mends.
const STOP: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
    Code::RD_KAFKA_RESP_ERR__AUTHENTICATION,
    Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
    Code::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
    // Checksums are checked before, so reading it again would end the same way.
    Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION,
];

/// What a person can do about what librdkafka reads only up to a limit of its own.
const INFLATES: &str = "a batch that inflates beyond receive.message.max.bytes cannot be read: \
    raise it with -X, at most 2147483647, or delete the partition's records up to the end of \
    that batch, which a receipt then tells as expired";

/// Members that are no longer of the current generation: zombies.
const ZOMBIE: &[Code] = &[
    Code::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
    Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
    Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
];

/// Where an error comes from.
pub(crate) fn cause(error: &NativeError) -> Cause {
    match error.code {
        code if FENCED.contains(&code) => Cause::Fenced,
        code if TRANSPORT.contains(&code) => Cause::Transport,
        code if NO_TOPIC.contains(&code) => Cause::NoTopic,
        _ => Cause::Other,
    }
}

/// Classifies an error of a transactional call: stop, then retriable, abortable, and everything
/// else, of which the outcome is unknown, is rebuilt.
pub(crate) fn transactional(attempt: &str, error: &NativeError) -> BrokerError {
    let remedy = if STOP.contains(&error.code) {
        Remedy::Stop
    } else if error.fatal {
        Remedy::Rebuild
    } else if error.retriable {
        Remedy::Retry
    } else if error.abortable || ZOMBIE.contains(&error.code) {
        Remedy::Abort
    } else {
        Remedy::Rebuild
    };
    tell(remedy, attempt, error)
}

/// Classifies an error of a consumer or of a question: those of transport are tried again.
pub(crate) fn other(attempt: &str, error: &NativeError) -> BrokerError {
    let remedy = match cause(error) {
        Cause::Transport => Remedy::Retry,
        Cause::Fenced | Cause::Storage => Remedy::Rebuild,
        Cause::NoTopic => Remedy::Stop,
        Cause::Other if STOP.contains(&error.code) => Remedy::Stop,
        Cause::Other if error.retriable || ZOMBIE.contains(&error.code) => Remedy::Retry,
        Cause::Other => Remedy::Rebuild,
    };
    tell(remedy, attempt, error)
}

fn tell(remedy: Remedy, attempt: &str, error: &NativeError) -> BrokerError {
    let detail = match error.code {
        Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION => format!("{}; {INFLATES}", error.text),
        _ => error.text.clone(),
    };
    BrokerError { remedy, cause: cause(error), attempt: attempt.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, fatal: bool, retriable: bool, abortable: bool) -> NativeError {
        NativeError { fatal, retriable, abortable, ..NativeError::plain(code) }
    }

    #[test]
    fn transactional_errors_fall_into_four_classes() {
        use Code::*;
        for (error, remedy, cause) in [
            (error(RD_KAFKA_RESP_ERR__TIMED_OUT, false, true, false), Remedy::Retry, Cause::Transport),
            (error(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, false, false, true), Remedy::Abort, Cause::Transport),
            (error(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, false, false, true), Remedy::Abort, Cause::Other),
            (error(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false, false, false), Remedy::Abort, Cause::Other),
            (error(RD_KAFKA_RESP_ERR__FENCED, true, false, false), Remedy::Rebuild, Cause::Fenced),
            (error(RD_KAFKA_RESP_ERR__STATE, false, false, false), Remedy::Rebuild, Cause::Other),
            (
                error(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, false, false, true),
                Remedy::Stop,
                Cause::Other,
            ),
        ] {
            let told = transactional("commit", &error);
            assert_eq!((told.remedy, told.cause), (remedy, cause), "{error:?}");
        }
    }

    #[test]
    fn other_errors_are_tried_again_where_that_may_help() {
        use Code::*;
        for (error, remedy, cause) in [
            (error(RD_KAFKA_RESP_ERR__TRANSPORT, false, false, false), Remedy::Retry, Cause::Transport),
            (
                error(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, false, false, false),
                Remedy::Retry,
                Cause::Transport,
            ),
            (error(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, true, false, false), Remedy::Rebuild, Cause::Fenced),
            (
                error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, false, true, false),
                Remedy::Stop,
                Cause::NoTopic,
            ),
            (error(RD_KAFKA_RESP_ERR__AUTHENTICATION, false, false, false), Remedy::Stop, Cause::Other),
            (error(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false, false, false), Remedy::Retry, Cause::Other),
            (error(RD_KAFKA_RESP_ERR__STATE, false, false, false), Remedy::Rebuild, Cause::Other),
        ] {
            let told = other("poll", &error);
            assert_eq!((told.remedy, told.cause), (remedy, cause), "{error:?}");
        }
    }

    #[test]
    fn a_batch_that_cannot_be_inflated_stops_with_what_can_be_done() {
        let told = other("poll", &error(Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION, false, false, false));
        assert_eq!(told.remedy, Remedy::Stop);
        assert!(told.detail.ends_with(INFLATES), "{told}");
    }
}
