//! The one file with `unsafe`: safe handles over the calls of librdkafka that rust-rdkafka does not
//! offer, or offers at a price (its transactional commit waits 100 ms, its consumer cannot read in
//! batches). Nothing outside this file sees a raw pointer.
#![allow(unsafe_code, reason = "the C API of librdkafka; each block says why it is sound")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_resp_err_t::{self as RespErr, RD_KAFKA_RESP_ERR_NO_ERROR};
use stage::{Header, Millis, Offset, Partition, Record};

/// An error of librdkafka with its own judgement of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NativeError {
    pub(crate) code: RespErr,
    pub(crate) text: String,
    pub(crate) fatal: bool,
    pub(crate) retriable: bool,
    pub(crate) abortable: bool,
}

impl NativeError {
    pub(crate) fn plain(code: RespErr) -> Self {
        Self { code, text: describe(code), fatal: false, retriable: false, abortable: false }
    }

    /// The same error by rust-rdkafka's name of it.
    pub(crate) fn of(code: RDKafkaErrorCode) -> Self {
        Self::plain(RespErr::try_from(code as i32).unwrap_or(RespErr::RD_KAFKA_RESP_ERR__FAIL))
    }

    fn check(code: RespErr) -> Result<(), Self> {
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Self::plain(code)) }
    }

    /// Takes over an error object; null is success.
    fn take(error: *mut sys::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: a non-null error object is ours until destroyed, which happens once, here.
        unsafe {
            let taken = Self {
                code: sys::rd_kafka_error_code(error),
                text: text(sys::rd_kafka_error_string(error)),
                fatal: sys::rd_kafka_error_is_fatal(error) != 0,
                retriable: sys::rd_kafka_error_is_retriable(error) != 0,
                abortable: sys::rd_kafka_error_txn_requires_abort(error) != 0,
            };
            sys::rd_kafka_error_destroy(error);
            Err(taken)
        }
    }
}

fn describe(code: RespErr) -> String {
    // SAFETY: returns a static string for any code.
    unsafe { text(sys::rd_kafka_err2str(code)) }
}

/// # Safety
/// `pointer` is null or a NUL-terminated string that lives through the call.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: by this function's own condition.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn c_string(value: &str) -> Result<CString, String> {
    CString::new(value).map_err(|_| format!("{value:?} holds a NUL byte"))
}

fn millis(wait: Duration) -> c_int {
    c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX)
}

/// What the client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Consumer,
    Producer,
}

/// A client instance. Destroyed, with its threads, when the last handle goes.
pub(crate) struct Client {
    raw: NonNull<sys::rd_kafka_t>,
    role: Role,
    watched: Arc<Watched>,
}

/// What interceptors of a client tell; its threads write here until they have ended.
#[derive(Default)]
struct Watched {
    end_txn_requests: AtomicU32,
    /// One per topic handle; kept until the client goes, as records may be acknowledged until then.
    written: Mutex<Vec<Arc<Written>>>,
}

/// The offset after the last acknowledged record of each partition of a topic, 0 where there was none.
struct Written {
    partitions: Box<[AtomicI64]>,
}

/// Partitions beyond these are not watched: of them it is not known what was written.
const WATCHED: usize = 1024;

// SAFETY: librdkafka's client is thread-safe: every call may be made from any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// How long a consumer may take to leave. On a quiet day it takes milliseconds.
const CLOSING: Duration = Duration::from_secs(10);

impl Drop for Client {
    fn drop(&mut self) {
        let ending = Ending { raw: self.raw, _watched: Arc::clone(&self.watched) };
        if self.role == Role::Producer {
            return ending.end(Role::Producer);
        }
        // librdkafka's close waits without end for an answer that is dropped where a change of the
        // assignment comes in while its group ends (2.12.1, rd_kafka_cgrp_op_serve). Nobody shall
        // wait with it: not SIGTERM, and not a rebuild.
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let close = move || {
            ending.end(Role::Consumer);
            drop(done);
        };
        let thread = std::thread::Builder::new().name("closing".into()).spawn(close);
        if thread.is_err() || ended.recv_timeout(CLOSING) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a consumer did not close in {} s and is left behind", CLOSING.as_secs());
        }
    }
}

/// A client that nobody uses any more, with what its threads look at.
struct Ending {
    raw: NonNull<sys::rd_kafka_t>,
    _watched: Arc<Watched>,
}

// SAFETY: as for the client.
unsafe impl Send for Ending {}

impl Ending {
    fn end(self, role: Role) {
        // SAFETY: the pointer is valid until here; queues, topics and messages hold an Arc of its
        // client, so none of them is left.
        unsafe {
            if role == Role::Consumer {
                sys::rd_kafka_consumer_close(self.raw.as_ptr());
            }
            sys::rd_kafka_destroy(self.raw.as_ptr());
        }
    }
}

const END_TXN: i16 = 26;

unsafe extern "C" fn on_request_sent(
    _: *mut sys::rd_kafka_t,
    _: c_int,
    _: *const c_char,
    _: i32,
    api_key: i16,
    _: i16,
    _: i32,
    _: usize,
    opaque: *mut c_void,
) -> RespErr {
    if api_key == END_TXN {
        // SAFETY: opaque is what `Client` keeps alive longer than the instance's threads.
        unsafe { &*opaque.cast::<Watched>() }.end_txn_requests.fetch_add(1, Ordering::SeqCst);
    }
    RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_acknowledgement(
    _: *mut sys::rd_kafka_t,
    message: *mut sys::rd_kafka_message_t,
    _: *mut c_void,
) -> RespErr {
    // SAFETY: librdkafka passes a message that lives through the call, of a topic whose opaque is null or
    // a `Written` that `Client` keeps alive longer than the instance's threads.
    unsafe {
        let message = &*message;
        let written = sys::rd_kafka_topic_opaque(message.rkt).cast::<Written>().as_ref();
        let partition = usize::try_from(message.partition).unwrap_or(usize::MAX);
        let next = written.and_then(|written| written.partitions.get(partition));
        if message.err == RD_KAFKA_RESP_ERR_NO_ERROR
            && message.offset >= 0
            && let Some(next) = next
        {
            next.fetch_max(message.offset + 1, Ordering::Release);
        }
    }
    RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_new(
    raw: *mut sys::rd_kafka_t,
    _: *const sys::rd_kafka_conf_t,
    opaque: *mut c_void,
    _: *mut c_char,
    _: usize,
) -> RespErr {
    // SAFETY: called by rd_kafka_new with the instance being made; the name is a static string.
    unsafe {
        let name = c"watch".as_ptr();
        match sys::rd_kafka_interceptor_add_on_request_sent(raw, name, Some(on_request_sent), opaque) {
            RD_KAFKA_RESP_ERR_NO_ERROR
                if sys::rd_kafka_type(raw) == sys::rd_kafka_type_t::RD_KAFKA_PRODUCER =>
            {
                sys::rd_kafka_interceptor_add_on_acknowledgement(raw, name, Some(on_acknowledgement), opaque)
            }
            outcome => outcome,
        }
    }
}

unsafe extern "C" fn on_log(
    _: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka passes NUL-terminated strings that live through the call.
    let (facility, line) = unsafe { (text(facility), text(line)) };
    log(level, &facility, &line);
}

/// Says what librdkafka says, at its syslog level.
pub(super) fn log(level: i32, facility: &str, line: &str) {
    match level {
        // These come as events, too: the loop judges them, and a client that closes repeats them all.
        _ if facility == "ERROR" => tracing::debug!(target: "librdkafka", facility, "{line}"),
        // Brokers that go and come back: said dozens of times a minute, and mended by trying again.
        _ if matches!(facility, "FAIL" | "GETPID") => {
            tracing::debug!(target: "librdkafka", facility, "{line}")
        }
        0..=4 => tracing::warn!(target: "librdkafka", facility, "{line}"),
        5 | 6 => tracing::info!(target: "librdkafka", facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{line}"),
    }
}

impl Client {
    /// Makes a client from librdkafka properties.
    pub(crate) fn new(role: Role, properties: &BTreeMap<String, String>) -> Result<Arc<Self>, String> {
        let watched = Arc::new(Watched::default());
        let mut problem = [0 as c_char; 512];
        // SAFETY: conf is owned here until rd_kafka_new takes it over on success; it is destroyed on
        // every error. The strings outlive the calls. What is watched stays where it is because the
        // Arc is kept in the client, whose drop ends the instance's threads first.
        unsafe {
            let conf = sys::rd_kafka_conf_new();
            for (name, value) in properties {
                let pair = c_string(name).and_then(|name| Ok((name, c_string(value)?)));
                let refused = match &pair {
                    Err(refused) => Some(refused.clone()),
                    Ok((name, value)) => {
                        let outcome = sys::rd_kafka_conf_set(
                            conf,
                            name.as_ptr(),
                            value.as_ptr(),
                            problem.as_mut_ptr(),
                            512,
                        );
                        (outcome != sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK)
                            .then(|| text(problem.as_ptr()))
                    }
                };
                if let Some(refused) = refused {
                    sys::rd_kafka_conf_destroy(conf);
                    return Err(refused);
                }
            }
            let events = match role {
                Role::Consumer => {
                    sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_ERROR | sys::RD_KAFKA_EVENT_STATS
                }
                Role::Producer => {
                    sys::RD_KAFKA_EVENT_DR | sys::RD_KAFKA_EVENT_ERROR | sys::RD_KAFKA_EVENT_STATS
                }
            };
            sys::rd_kafka_conf_set_events(conf, events);
            sys::rd_kafka_conf_set_log_cb(conf, Some(on_log));
            let opaque = Arc::as_ptr(&watched).cast_mut().cast();
            sys::rd_kafka_conf_interceptor_add_on_new(conf, c"watch".as_ptr(), Some(on_new), opaque);
            let kind = match role {
                Role::Consumer => sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
                Role::Producer => sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
            };
            let Some(raw) = NonNull::new(sys::rd_kafka_new(kind, conf, problem.as_mut_ptr(), 512)) else {
                sys::rd_kafka_conf_destroy(conf);
                return Err(text(problem.as_ptr()));
            };
            if role == Role::Consumer {
                sys::rd_kafka_poll_set_consumer(raw.as_ptr());
            }
            Ok(Arc::new(Self { raw, role, watched }))
        }
    }

    fn raw(&self) -> *mut sys::rd_kafka_t {
        self.raw.as_ptr()
    }

    /// How many `EndTxn` requests were sent since the last call.
    pub(crate) fn take_end_txn_requests(&self) -> u32 {
        self.watched.end_txn_requests.swap(0, Ordering::SeqCst)
    }

    /// The client's main queue (the consumer's queue for a consumer).
    pub(crate) fn main_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the instance lives; the queue handle is ours to destroy.
        let raw = unsafe {
            match self.role {
                Role::Consumer => sys::rd_kafka_queue_get_consumer(self.raw()),
                Role::Producer => sys::rd_kafka_queue_get_main(self.raw()),
            }
        };
        Queue::new(self, raw)
    }

    /// A queue of our own.
    pub(crate) fn new_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the instance lives; the queue handle is ours to destroy.
        Queue::new(self, unsafe { sys::rd_kafka_queue_new(self.raw()) })
    }

    /// Sends what is fetched of a partition to `to` instead of the consumer's queue.
    pub(crate) fn forward(
        self: &Arc<Self>,
        topic: &str,
        partition: Partition,
        to: &Queue,
    ) -> Result<(), String> {
        let topic = c_string(topic)?;
        // SAFETY: the instance and the target queue live; the partition's handle is dropped after.
        unsafe {
            let raw = sys::rd_kafka_queue_get_partition(self.raw(), topic.as_ptr(), number(partition));
            if raw.is_null() {
                return Err("the partition has no queue".into());
            }
            let queue = Queue::new(self, raw);
            sys::rd_kafka_queue_forward(queue.raw.as_ptr(), to.raw.as_ptr());
        }
        Ok(())
    }

    pub(crate) fn subscribe(&self, topic: &str) -> Result<(), NativeError> {
        let list = Positions::of(topic, &[(Partition::new(0), None)]);
        // SAFETY: both live through the call; librdkafka copies the list.
        NativeError::check(unsafe { sys::rd_kafka_subscribe(self.raw(), list.raw.as_ptr()) })
    }

    pub(crate) fn assign_more(&self, list: &Positions) -> Result<(), NativeError> {
        // SAFETY: both live through the call; librdkafka copies the list.
        NativeError::take(unsafe { sys::rd_kafka_incremental_assign(self.raw(), list.raw.as_ptr()) })
    }

    /// Reads exactly these partitions, without a group.
    pub(crate) fn assign(&self, list: &Positions) -> Result<(), NativeError> {
        // SAFETY: both live through the call; librdkafka copies the list.
        NativeError::check(unsafe { sys::rd_kafka_assign(self.raw(), list.raw.as_ptr()) })
    }

    pub(crate) fn unassign(&self, list: &Positions) -> Result<(), NativeError> {
        // SAFETY: both live through the call; librdkafka copies the list.
        NativeError::take(unsafe { sys::rd_kafka_incremental_unassign(self.raw(), list.raw.as_ptr()) })
    }

    pub(crate) fn pause(&self, list: &Positions) -> Result<(), NativeError> {
        // SAFETY: both live through the call.
        NativeError::check(unsafe { sys::rd_kafka_pause_partitions(self.raw(), list.raw.as_ptr()) })?;
        list.first_error()
    }

    pub(crate) fn resume(&self, list: &Positions) -> Result<(), NativeError> {
        // SAFETY: both live through the call.
        NativeError::check(unsafe { sys::rd_kafka_resume_partitions(self.raw(), list.raw.as_ptr()) })?;
        list.first_error()
    }

    pub(crate) fn seek(&self, list: &Positions, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: both live through the call.
        NativeError::take(unsafe {
            sys::rd_kafka_seek_partitions(self.raw(), list.raw.as_ptr(), millis(wait))
        })?;
        list.first_error()
    }

    /// Fills in the group's committed offsets.
    pub(crate) fn committed(&self, list: &Positions, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: both live through the call.
        NativeError::check(unsafe { sys::rd_kafka_committed(self.raw(), list.raw.as_ptr(), millis(wait)) })?;
        list.first_error()
    }

    /// Whether the assignment that is being revoked belongs to somebody else already.
    pub(crate) fn assignment_lost(&self) -> bool {
        // SAFETY: the instance lives.
        unsafe { sys::rd_kafka_assignment_lost(self.raw()) != 0 }
    }

    /// Proof of membership: group, member and generation.
    pub(crate) fn membership(&self) -> Option<Membership> {
        // SAFETY: the instance lives; the object is ours to destroy.
        NonNull::new(unsafe { sys::rd_kafka_consumer_group_metadata(self.raw()) })
            .map(|raw| Membership { raw })
    }

    pub(crate) fn init_transactions(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the instance lives.
        NativeError::take(unsafe { sys::rd_kafka_init_transactions(self.raw(), millis(wait)) })
    }

    pub(crate) fn begin_transaction(&self) -> Result<(), NativeError> {
        // SAFETY: the instance lives.
        NativeError::take(unsafe { sys::rd_kafka_begin_transaction(self.raw()) })
    }

    pub(crate) fn send_offsets(
        &self,
        list: &Positions,
        member: &Membership,
        wait: Duration,
    ) -> Result<(), NativeError> {
        // SAFETY: all three live through the call; librdkafka copies what it keeps.
        NativeError::take(unsafe {
            sys::rd_kafka_send_offsets_to_transaction(
                self.raw(),
                list.raw.as_ptr(),
                member.raw.as_ptr(),
                millis(wait),
            )
        })
    }

    pub(crate) fn commit_transaction(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the instance lives.
        NativeError::take(unsafe { sys::rd_kafka_commit_transaction(self.raw(), millis(wait)) })
    }

    pub(crate) fn abort_transaction(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the instance lives.
        NativeError::take(unsafe { sys::rd_kafka_abort_transaction(self.raw(), millis(wait)) })
    }

    /// A topic to produce to.
    pub(crate) fn topic(self: &Arc<Self>, name: &str) -> Result<TopicHandle, String> {
        let name = c_string(name)?;
        let partitions = std::iter::repeat_with(|| AtomicI64::new(0)).take(WATCHED).collect();
        let written = Arc::new(Written { partitions });
        self.watched.written.lock().expect("nothing panics while holding it").push(Arc::clone(&written));
        // SAFETY: the instance lives; the configuration is a copy of the client's own and goes over to
        // the topic. What the opaque points to lives as long as the client, see above.
        let raw = unsafe {
            let conf = sys::rd_kafka_default_topic_conf_dup(self.raw());
            sys::rd_kafka_topic_conf_set_opaque(conf, Arc::as_ptr(&written).cast_mut().cast());
            sys::rd_kafka_topic_new(self.raw(), name.as_ptr(), conf)
        };
        let raw = NonNull::new(raw).ok_or_else(|| format!("topic {name:?} was refused"))?;
        Ok(TopicHandle { raw, written, _client: Arc::clone(self) })
    }

    /// Hands one record to the client, waiting while its queue is full.
    pub(crate) fn produce(
        &self,
        topic: &TopicHandle,
        partition: Partition,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), NativeError> {
        let mut fields = Fields::default();
        fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT, |u| u.rkt = topic.raw.as_ptr());
        fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = number(partition));
        let flags = sys::RD_KAFKA_MSG_F_COPY | sys::RD_KAFKA_MSG_F_BLOCK;
        fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, |u| u.i = flags);
        fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP, |u| u.i64_ = timestamp.get());
        if let Some(key) = key {
            fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, |u| u.mem = memory(key));
        }
        if let Some(value) = value {
            fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, |u| u.mem = memory(value));
        }
        let list = header_list(headers)?;
        if let Some(list) = list {
            fields.push(sys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = list.as_ptr());
        }
        // SAFETY: every pointer lives through the call and is copied (F_COPY); the header list goes
        // over to librdkafka on success and stays ours on failure.
        unsafe {
            let outcome =
                NativeError::take(sys::rd_kafka_produceva(self.raw(), fields.all.as_ptr(), fields.used));
            if let (Err(_), Some(list)) = (&outcome, list) {
                sys::rd_kafka_headers_destroy(list.as_ptr());
            }
            outcome
        }
    }

    /// The cluster's id, `None` if no broker answers in time.
    pub(crate) fn cluster_id(&self, wait: Duration) -> Option<String> {
        // SAFETY: the instance lives; the string is ours and freed by librdkafka's own allocator.
        unsafe {
            let raw = sys::rd_kafka_clusterid(self.raw(), millis(wait));
            if raw.is_null() {
                return None;
            }
            let id = text(raw);
            sys::rd_kafka_mem_free(self.raw(), raw.cast());
            Some(id)
        }
    }

    /// The topics' ids, in their order, as Kafka's tools print them (KIP-516).
    pub(crate) fn topic_ids(
        self: &Arc<Self>,
        topics: &[String],
        wait: Duration,
    ) -> Result<Vec<String>, String> {
        let names = topics.iter().map(|topic| c_string(topic)).collect::<Result<Vec<_>, _>>()?;
        let answers = self.new_queue();
        // SAFETY: the collection and the names live through the call; the result belongs to the
        // event, which is destroyed when `event` goes, after the texts were copied.
        unsafe {
            let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
            let collection =
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            sys::rd_kafka_DescribeTopics(self.raw(), collection, ptr::null(), answers.raw.as_ptr());
            sys::rd_kafka_TopicCollection_destroy(collection);
            let event = answers.poll(wait).ok_or("no broker answered in time")?;
            event.check()?;
            let result = sys::rd_kafka_event_DescribeTopics_result(event.raw.as_ptr());
            let mut count = 0;
            let described = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            let mut ids = BTreeMap::new();
            for place in 0..count {
                let topic = *described.add(place);
                let name = text(sys::rd_kafka_TopicDescription_name(topic));
                let error = sys::rd_kafka_TopicDescription_error(topic);
                if !error.is_null() && sys::rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR {
                    return Err(format!("{name}: {}", text(sys::rd_kafka_error_string(error))));
                }
                ids.insert(
                    name,
                    text(sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic))),
                );
            }
            let id = |topic: &String| {
                ids.get(topic).cloned().ok_or_else(|| format!("the broker did not describe topic {topic}"))
            };
            topics.iter().map(id).collect()
        }
    }

    /// Sets configuration entries of a topic and leaves the others (KIP-339).
    pub(crate) fn set_topic_config(
        self: &Arc<Self>,
        topic: &str,
        entries: &BTreeMap<String, String>,
        wait: Duration,
    ) -> Result<(), String> {
        let name = c_string(topic)?;
        let answers = self.new_queue();
        // SAFETY: the resource is ours and destroyed after the call that copies it; strings outlive
        // the calls; the result belongs to the event.
        unsafe {
            let kind = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
            let mut resource = sys::rd_kafka_ConfigResource_new(kind, name.as_ptr());
            for (entry, value) in entries {
                let (entry, value) = (c_string(entry)?, c_string(value)?);
                let set = sys::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET;
                let refused = sys::rd_kafka_ConfigResource_add_incremental_config(
                    resource,
                    entry.as_ptr(),
                    set,
                    value.as_ptr(),
                );
                if let Err(refused) = NativeError::take(refused) {
                    sys::rd_kafka_ConfigResource_destroy(resource);
                    return Err(refused.text);
                }
            }
            sys::rd_kafka_IncrementalAlterConfigs(
                self.raw(),
                &raw mut resource,
                1,
                ptr::null(),
                answers.raw.as_ptr(),
            );
            sys::rd_kafka_ConfigResource_destroy(resource);
            let event = answers.poll(wait).ok_or("no broker answered in time")?;
            event.check()?;
            let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(event.raw.as_ptr());
            let mut count = 0;
            let resources = sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
            for i in 0..count {
                let resource = *resources.add(i);
                if sys::rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR {
                    return Err(text(sys::rd_kafka_ConfigResource_error_string(resource)));
                }
            }
            Ok(())
        }
    }
}

fn number(partition: Partition) -> i32 {
    i32::try_from(partition.number()).unwrap_or(i32::MAX)
}

fn memory(bytes: &[u8]) -> sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
        ptr: bytes.as_ptr().cast_mut().cast(),
        size: bytes.len(),
    }
}

fn header_list(headers: &[Header<'_>]) -> Result<Option<NonNull<sys::rd_kafka_headers_t>>, NativeError> {
    if headers.is_empty() {
        return Ok(None);
    }
    // SAFETY: the list is made here; names and values are given by pointer and length and copied.
    unsafe {
        let Some(list) = NonNull::new(sys::rd_kafka_headers_new(headers.len())) else {
            return Err(NativeError::plain(RespErr::RD_KAFKA_RESP_ERR__FAIL));
        };
        for header in headers {
            let (value, size) = match header.value {
                Some(value) => (value.as_ptr().cast(), value.len().cast_signed()),
                None => (ptr::null(), 0),
            };
            let name = header.name.as_ptr().cast();
            let code =
                sys::rd_kafka_header_add(list.as_ptr(), name, header.name.len().cast_signed(), value, size);
            if let Err(refused) = NativeError::check(code) {
                sys::rd_kafka_headers_destroy(list.as_ptr());
                return Err(refused);
            }
        }
        Ok(Some(list))
    }
}

/// The tagged fields of one record for `rd_kafka_produceva`.
struct Fields {
    all: [sys::rd_kafka_vu_t; 7],
    used: usize,
}

impl Default for Fields {
    fn default() -> Self {
        // SAFETY: all-zero is a valid value: type END (0) and a union of plain data.
        Self { all: unsafe { std::mem::zeroed() }, used: 0 }
    }
}

impl Fields {
    fn push(&mut self, kind: sys::rd_kafka_vtype_t, set: impl FnOnce(&mut sys::rd_kafka_vu_s__bindgen_ty_1)) {
        self.all[self.used].vtype = kind;
        set(&mut self.all[self.used].u);
        self.used += 1;
    }
}

/// A topic to produce to.
pub(crate) struct TopicHandle {
    raw: NonNull<sys::rd_kafka_topic_t>,
    written: Arc<Written>,
    _client: Arc<Client>,
}

// SAFETY: topic handles are reference-counted inside librdkafka and usable from any thread.
unsafe impl Send for TopicHandle {}

impl TopicHandle {
    /// The offset after the last acknowledged record of this partition.
    pub(crate) fn written(&self, partition: Partition) -> Option<Offset> {
        let next = self.written.partitions.get(usize::try_from(partition.number()).ok()?)?;
        Some(next.load(Ordering::Acquire)).filter(|next| *next > 0).map(Offset::new)
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once; the client still lives.
        unsafe { sys::rd_kafka_topic_destroy(self.raw.as_ptr()) }
    }
}

/// Proof of membership for a commit (KIP-447).
pub struct Membership {
    raw: NonNull<sys::rd_kafka_consumer_group_metadata_t>,
}

// SAFETY: a plain copy of group, member and generation, used by one thread at a time.
unsafe impl Send for Membership {}

impl Drop for Membership {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.raw.as_ptr()) }
    }
}

/// Partitions of one topic, each with an offset or none.
pub(crate) struct Positions {
    raw: NonNull<sys::rd_kafka_topic_partition_list_t>,
}

impl Drop for Positions {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.raw.as_ptr()) }
    }
}

impl Positions {
    pub(crate) fn of(topic: &str, positions: &[(Partition, Option<Offset>)]) -> Self {
        Self::across(positions.iter().map(|(partition, offset)| (topic, *partition, *offset)))
    }

    /// Partitions of any topics.
    pub(crate) fn across<'a>(
        positions: impl IntoIterator<Item = (&'a str, Partition, Option<Offset>)>,
    ) -> Self {
        // SAFETY: the list is made here and grows as needed; each added element is filled in before
        // the next is added; the name is copied.
        unsafe {
            let raw = NonNull::new(sys::rd_kafka_topic_partition_list_new(16))
                .expect("librdkafka aborts when out of memory");
            for (topic, partition, offset) in positions {
                let topic = c_string(topic).expect("topic names hold no NUL byte");
                let element =
                    sys::rd_kafka_topic_partition_list_add(raw.as_ptr(), topic.as_ptr(), number(partition));
                if let Some(offset) = offset {
                    (*element).offset = offset.number();
                }
            }
            Self { raw }
        }
    }

    /// The same partitions, each before its first record.
    pub(crate) fn at_beginning(topic: &str, partitions: &[Partition]) -> Self {
        let beginning = Offset::new(i64::from(sys::RD_KAFKA_OFFSET_BEGINNING));
        let positions: Vec<_> = partitions.iter().map(|partition| (*partition, Some(beginning))).collect();
        Self::of(topic, &positions)
    }

    fn elements(&self) -> &[sys::rd_kafka_topic_partition_t] {
        // SAFETY: elems points to cnt initialized elements for as long as the list lives.
        unsafe {
            let list = self.raw.as_ref();
            if list.cnt <= 0 {
                return &[];
            }
            std::slice::from_raw_parts(list.elems, usize::try_from(list.cnt).unwrap_or(0))
        }
    }

    /// Each partition and its offset, `None` where there is none.
    pub(crate) fn all(&self) -> Vec<(Partition, Option<Offset>)> {
        let partition = |number: i32| Partition::new(u32::try_from(number).unwrap_or(0));
        let offset = |number: i64| (number >= 0).then(|| Offset::new(number));
        self.elements().iter().map(|element| (partition(element.partition), offset(element.offset))).collect()
    }

    fn first_error(&self) -> Result<(), NativeError> {
        self.elements().iter().try_for_each(|element| NativeError::check(element.err))
    }
}

/// A queue of a client.
pub(crate) struct Queue {
    raw: NonNull<sys::rd_kafka_queue_t>,
    client: Arc<Client>,
}

// SAFETY: queues are locked inside librdkafka and usable from any thread.
unsafe impl Send for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: our handle, destroyed once; the client still lives.
        unsafe { sys::rd_kafka_queue_destroy(self.raw.as_ptr()) }
    }
}

impl Queue {
    fn new(client: &Arc<Client>, raw: *mut sys::rd_kafka_queue_t) -> Self {
        Self { raw: NonNull::new(raw).expect("a live client has its queues"), client: Arc::clone(client) }
    }

    /// The next event, waiting for it at most this long.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue lives; the event is ours to destroy.
        NonNull::new(unsafe { sys::rd_kafka_queue_poll(self.raw.as_ptr(), millis(wait)) })
            .map(|raw| Event { raw })
    }

    /// Up to `max` messages: waits for the first one, takes what is there.
    ///
    /// `rd_kafka_consume_batch_queue` waits until `max` have come or the time is over, so the wait
    /// is for one message only.
    pub(crate) fn messages(&self, max: usize, wait: Duration) -> Messages {
        let mut found = vec![ptr::null_mut(); max];
        let mut count = self.take(&mut found[..1], wait);
        if count == 1 && max > 1 {
            count += self.take(&mut found[1..], Duration::ZERO);
        }
        found.truncate(count);
        Messages { raw: found, _client: Arc::clone(&self.client) }
    }

    fn take(&self, into: &mut [*mut sys::rd_kafka_message_t], wait: Duration) -> usize {
        // SAFETY: `into` has room for as many messages as its length says.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(self.raw.as_ptr(), millis(wait), into.as_mut_ptr(), into.len())
        };
        usize::try_from(count).unwrap_or(0)
    }
}

/// What a client has to tell.
pub(crate) struct Event {
    raw: NonNull<sys::rd_kafka_event_t>,
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { sys::rd_kafka_event_destroy(self.raw.as_ptr()) }
    }
}

/// An event, read.
pub(crate) enum Told {
    /// These partitions were assigned to this member.
    Assigned(Vec<Partition>),
    /// These were taken from it.
    Revoked(Vec<Partition>),
    /// Something went wrong.
    Error(NativeError),
    /// Statistics, as JSON.
    Statistics(String),
    /// Records that could not be delivered, and why the first one was not.
    Undelivered(usize, NativeError),
    /// Nothing of interest.
    Other,
}

impl Event {
    fn check(&self) -> Result<(), String> {
        // SAFETY: the event lives; its error string lives as long.
        unsafe {
            match sys::rd_kafka_event_error(self.raw.as_ptr()) {
                RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
                _ => Err(text(sys::rd_kafka_event_error_string(self.raw.as_ptr()))),
            }
        }
    }

    pub(crate) fn read(&self) -> Told {
        let event = self.raw.as_ptr();
        // SAFETY: the event lives through this; what it lends is copied before it returns.
        unsafe {
            match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_REBALANCE => {
                    let partitions = Self::partitions(sys::rd_kafka_event_topic_partition_list(event));
                    match sys::rd_kafka_event_error(event) {
                        RespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Told::Assigned(partitions),
                        _ => Told::Revoked(partitions),
                    }
                }
                sys::RD_KAFKA_EVENT_ERROR => Told::Error(NativeError {
                    code: sys::rd_kafka_event_error(event),
                    text: text(sys::rd_kafka_event_error_string(event)),
                    fatal: sys::rd_kafka_event_error_is_fatal(event) != 0,
                    retriable: false,
                    abortable: false,
                }),
                sys::RD_KAFKA_EVENT_STATS => Told::Statistics(text(sys::rd_kafka_event_stats(event))),
                sys::RD_KAFKA_EVENT_DR => Self::undelivered(event),
                _ => Told::Other,
            }
        }
    }

    /// # Safety
    /// `list` is null or lives through the call.
    unsafe fn partitions(list: *mut sys::rd_kafka_topic_partition_list_t) -> Vec<Partition> {
        let Some(raw) = NonNull::new(list) else { return Vec::new() };
        // The list is the event's: it must not be destroyed with this view of it.
        let view = std::mem::ManuallyDrop::new(Positions { raw });
        view.all().into_iter().map(|(partition, _)| partition).collect()
    }

    /// # Safety
    /// `event` is a live delivery-report event.
    unsafe fn undelivered(event: *mut sys::rd_kafka_event_t) -> Told {
        let mut failed = 0;
        let mut first = None;
        // SAFETY: messages are the event's and live as long as it does.
        unsafe {
            while let Some(message) = sys::rd_kafka_event_message_next(event).as_ref() {
                if message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                    failed += 1;
                    first.get_or_insert_with(|| NativeError::plain(message.err));
                }
            }
        }
        first.map_or(Told::Other, |error| Told::Undelivered(failed, error))
    }
}

/// A message that tells of an error: of which partition, at which offset.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) partition: Partition,
    pub(crate) offset: Offset,
    pub(crate) error: NativeError,
}

/// Messages of a consumer, each destroyed when this goes.
pub(crate) struct Messages {
    raw: Vec<*mut sys::rd_kafka_message_t>,
    _client: Arc<Client>,
}

// SAFETY: messages are owned and only read; librdkafka's reference counts are atomic.
unsafe impl Send for Messages {}

impl Drop for Messages {
    fn drop(&mut self) {
        for message in &self.raw {
            // SAFETY: each is ours and destroyed once; the client still lives.
            unsafe { sys::rd_kafka_message_destroy(*message) }
        }
    }
}

impl Messages {
    pub(crate) fn len(&self) -> usize {
        self.raw.len()
    }

    /// The topic of the message at this place.
    pub(crate) fn topic(&self, index: usize) -> &str {
        // SAFETY: the message and its topic's name live as long as `self`; a message without a topic
        // (an error of the client) has a null handle.
        unsafe {
            let topic = (*self.raw[index]).rkt;
            if topic.is_null() {
                return "";
            }
            CStr::from_ptr(sys::rd_kafka_topic_name(topic)).to_str().unwrap_or("")
        }
    }

    /// What the message at this place tells of, if it is no record.
    pub(crate) fn refused(&self, index: usize) -> Option<Refused> {
        // SAFETY: the message lives as long as `self`; payload is null or points to as many bytes as
        // its length says.
        unsafe {
            let message = &*self.raw[index];
            if message.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            let mut error = NativeError::plain(message.err);
            if let Some(text) = bytes(message.payload, message.len) {
                error.text = String::from_utf8_lossy(text).into_owned();
            }
            let partition = Partition::new(u32::try_from(message.partition).unwrap_or(0));
            Some(Refused { partition, offset: Offset::new(message.offset), error })
        }
    }

    /// The record at this place; meaningless for a message that [`Messages::refused`] tells of.
    pub(crate) fn record(&self, index: usize) -> Record<'_> {
        // SAFETY: the message lives as long as `self`; key and payload are null or point to as many
        // bytes as their lengths say, and are not changed.
        unsafe {
            let message = &*self.raw[index];
            let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            let timestamp = sys::rd_kafka_message_timestamp(self.raw[index], &raw mut kind);
            Record {
                partition: Partition::new(u32::try_from(message.partition).unwrap_or(0)),
                offset: Offset::new(message.offset),
                timestamp: Millis::new(timestamp),
                key: bytes(message.key, message.key_len),
                value: bytes(message.payload, message.len),
                headers: headers(self.raw[index]),
            }
        }
    }
}

/// # Safety
/// `pointer` is null or points to `length` bytes that live and stay unchanged for `'a`.
unsafe fn bytes<'a>(pointer: *const c_void, length: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: by this function's own condition.
    Some(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// # Safety
/// `message` is a live message for `'a`.
unsafe fn headers<'a>(message: *const sys::rd_kafka_message_t) -> Vec<Header<'a>> {
    let mut found = Vec::new();
    let mut list = ptr::null_mut();
    // SAFETY: the list belongs to the message; names and values live as long as it does. A name
    // ends at its first NUL byte: librdkafka tells no length of it.
    unsafe {
        if sys::rd_kafka_message_headers(message, &raw mut list) != RD_KAFKA_RESP_ERR_NO_ERROR {
            return found;
        }
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        let mut next = |index| {
            sys::rd_kafka_header_get_all(list, index, &raw mut name, &raw mut value, &raw mut size)
                .eq(&RD_KAFKA_RESP_ERR_NO_ERROR)
                .then_some((name, value, size))
        };
        let mut index = 0;
        while let Some((name, value, size)) = next(index) {
            found.push(Header { name: CStr::from_ptr(name).to_bytes(), value: bytes(value, size) });
            index += 1;
        }
    }
    found
}
