/* limits.h - every limit of the host in one place; docs/limits.md explains them to people.
 *
 * Those that a configuration key can change are named LIMIT_X_DEFAULT. Reaching each is tested.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Messages */
#define LIMIT_MESSAGE_BYTES         (16u << 20) /* a message's block, on every path */
#define LIMIT_ARENA_BYTES           (64u << 20) /* of a worker's large messages on their way */
#define LIMIT_ARENA_PIECE           (64u << 10) /* what they are made up of */
#define LIMIT_MAILBOX_DEFAULT       1024u       /* messages: Mailbox= */
#define LIMIT_MAILBOX_BYTES_DEFAULT (32u << 20) /* bytes: MailboxBytes= */
#define LIMIT_BATCH_DEFAULT         1024u       /* messages in one turn: Batch= */
/* The bounds of what a unit may set. */
#define LIMIT_MAILBOX_MAX       (1u << 20) /* also of Batch= */
#define LIMIT_MAILBOX_BYTES_MIN 1024u
#define LIMIT_MAILBOX_BYTES_MAX (1u << 30)
/* Stream replies that a caller has not read; of that many bytes: */
#define LIMIT_STREAM_UNREAD       1024u
#define LIMIT_STREAM_UNREAD_BYTES (1u << 20)
#define LIMIT_ITEMS_SHARE_MIN     4096u /* of a stream that a task reads; else it has none */
#define LIMIT_CLIENT_UNREAD       256u  /* where the caller is a client */
#define LIMIT_OUTBOX_BYTES        (32u << 20) /* replies to clients that wait in a worker */
#define LIMIT_CLIENT_KEPT         64u /* messages of one client without an answer, kept */

/* Runtime, per worker */
#define LIMIT_ACTORS      (16u << 20) /* slots of actors */
#define LIMIT_CALLS       (4u << 20)  /* calls under way */
#define LIMIT_KEPT_CALLS  (4u << 20)  /* call handles kept */
#define LIMIT_TIMERS      (16u << 20)
#define LIMIT_WATCHES     (1u << 20) /* descriptors watched */
#define LIMIT_INLETS      65536u
#define LIMIT_TASKS       (1u << 20) /* also scopes that they have begun */
#define LIMIT_BELONGINGS  (1u << 20) /* streams, listeners, children, channels */
#define LIMIT_CHILDREN    1024u      /* processes, those too that their actors have left */
#define LIMIT_ACTOR_TYPES 4096u
#define LIMIT_STATE_BYTES (1u << 20) /* of one actor */

/* Tasks */
#define LIMIT_TASKS_DEFAULT         1000u /* of an actor: Tasks= */
#define LIMIT_TASKS_MAX             100000u
#define LIMIT_TASK_STACK_MIN        (64u << 10) /* TaskStack=, and its default */
#define LIMIT_TASK_STACK_MAX        (1u << 20)
#define LIMIT_TASK_GRACE_DEFAULT_NS 5000000000ull /* TaskGrace= */
#define LIMIT_TASK_GRACE_MAX_NS     3600000000000ull
#define LIMIT_TASK_TRIM_NS          1000000000ull /* of waiting, until its stack is trimmed */
#define LIMIT_TASK_DEPTH            64u           /* scopes and tasks inside one another */
#define LIMIT_AWAIT_CHAIN           16u  /* actors looked at for an await in a circle */
#define LIMIT_TASK_REFUSED          64u  /* waits in a row, then it is put behind the others */
#define LIMIT_TASK_NAME             100u /* bytes of it that are shown */
#define LIMIT_TASK_READY            128u /* waits in a row that were over at once; likewise */
#define LIMIT_CHANNEL_ITEM          (64u << 10) /* bytes */
#define LIMIT_CHANNEL_BYTES         (16u << 20) /* of the items that a channel holds */

/* Connections */
#define LIMIT_CONNECT_ADDRESSES    8u             /* of a host: so many are tried */
#define LIMIT_CONNECT_BESIDE_NS    250000000ull   /* then the next one is, too */
#define LIMIT_CONNECT_NEXT_NS      5000000000ull  /* for so long each, but the last */
#define LIMIT_HANDSHAKE_DEFAULT_NS 10000000000ull /* to agree on TLS */
#define LIMIT_FAREWELL_NS          60000000000ull /* for the end of TLS to find room */
#define LIMIT_FAREWELLS            1024u          /* such ends on their way */
#define LIMIT_ACCEPT_REST_MS       100u /* without descriptors, until it is tried again */
#define LIMIT_SHORTAGE_NS          60000000000ull /* after that long it is logged anew */

/* Threads beside the loop's, of a worker */
#define LIMIT_BLOCKING_THREADS_DEFAULT 4u /* BlockingThreads= */
#define LIMIT_BLOCKING_THREADS_MAX     64u
#define LIMIT_BLOCKING_DEFAULT         4u         /* jobs of a unit at a time: Blocking= */
#define LIMIT_JOB_STACK                (8u << 20) /* of such a thread */
#define LIMIT_FILE_THREADS             4u         /* for files that are not in memory */
#define LIMIT_FILE_STACK               (256u << 10)
#define LIMIT_FILE_PIECE               (64u << 10) /* that is read on the loop */
#define LIMIT_UNIT_FILES               3u          /* of these threads, for one unit */
#define LIMIT_NAME_THREADS             4u
#define LIMIT_NAME_STACK               (512u << 10) /* the system's modules take some */
#define LIMIT_UNIT_LOOKUPS             3u           /* of these threads, for one unit */
#define LIMIT_LOOKUPS                  1000u        /* under way */
#define LIMIT_NAMES_KNOWN              1024u
#define LIMIT_NAME_ADDRESSES           32u /* of one name */
#define LIMIT_NAME_KNOWN_NS            30000000000ull
#define LIMIT_NAME_UNKNOWN_NS          5000000000ull  /* that there is none, or no answer */
#define LIMIT_THREAD_REST_NS           10000000000ull /* without work, until it ends */

/* Calls, ns */
#define LIMIT_CALL_TIMEOUT_DEFAULT_NS 45000000000ull
/* A client that waits for a unit gets an answer by then: before its own default is over. */
#define LIMIT_WAIT_NS         40000000000ull
#define LIMIT_CALL_TIMEOUT_NS (7ull * 24 * 3600 * 1000000000ull)

/* Processes */
#define LIMIT_WORKERS                   64u
#define LIMIT_WORKER_DELAY_NS           100000000ull   /* at most, unless a unit is blamed */
#define LIMIT_WORKER_SILENCE_DEFAULT_NS 30000000000ull /* WorkerWatchdog= */
#define LIMIT_SLOW_HANDLER_DEFAULT_NS   50000000ull    /* SlowHandler= */
#define LIMIT_SLOW_HANDLER_MIN_NS       1000000ull
#define LIMIT_WORKER_MEMORY_MIN         (64u << 20) /* WorkerMemory=, and its default */
#define LIMIT_UNITS                     4096u       /* .actor files */
#define LIMIT_INSTANCES                 100000u     /* of one unit */
#define LIMIT_REPLACED_SHARE            16u         /* of a pool, replaced at once... */
#define LIMIT_REPLACED_AT_ONCE          64u         /* ...and no more than these */
#define LIMIT_NAME                      63u         /* bytes of a unit's name */
#define LIMIT_DESCRIPTION               1024u       /* bytes of a unit's Description= */
#define LIMIT_UNREAPED                  1024u /* dead workers without a wait status so far */

/* Control socket */
#define LIMIT_CONNECTIONS      4096u
#define LIMIT_CONNECTIONS_UID  1024u
#define LIMIT_CONNECTIONS_KEPT 16u        /* beyond those, for root and the daemon's own uid */
#define LIMIT_FRAME_DEFAULT    (1u << 20) /* FrameMax= */
#define LIMIT_FRAME            (16u << 20)
/* Of a pass of the loop, for all connections; of it, for one: then no more calls are taken
 * on. */
#define LIMIT_CONTROL_PASS_NS 5000000ull
#define LIMIT_CONTROL_TURN_NS 1000000ull
#define LIMIT_PIPELINED       64u /* unanswered calls of one connection; then reading stops */
#define LIMIT_HELD_BYTES_UID  (64u << 20) /* unread input and unwritten output of one uid */
#define LIMIT_HELD_BYTES      (256u << 20)
/* Of what clients' calls take up: of all, of one user (_UID), and beyond all for root and the
 * daemon's own user (_KEPT). */
#define LIMIT_CLIENT_CALLS          65536u /* that actors have not answered */
#define LIMIT_CLIENT_CALLS_UID      16384u
#define LIMIT_CLIENT_CALLS_KEPT     1024u
#define LIMIT_CLIENT_CALL_BYTES     (48u << 20)  /* of one worker: less than CHANNEL_QUEUE */
#define LIMIT_CLIENT_CALL_BYTES_UID (32u << 20)  /* of one user, of all workers */
#define LIMIT_STREAM_HELD           (16u << 20)  /* of one stream, unread by its client */
#define LIMIT_STREAMS_HELD          (128u << 20) /* of all streams */
#define LIMIT_STREAMS_HELD_UID      (64u << 20)
#define LIMIT_STREAMS_HELD_KEPT     (16u << 20)
#define LIMIT_WAITING_CALLS         4096u /* that wait for a unit to start */
#define LIMIT_WAITING_CALLS_UID     1024u
#define LIMIT_WAITING_CALLS_KEPT    256u
#define LIMIT_WAITING_BYTES         (32u << 20)
#define LIMIT_WAITING_BYTES_UID     (20u << 20)
#define LIMIT_WAITING_BYTES_KEPT    (8u << 20)
#define LIMIT_INQUIRIES             256u /* questions that workers have not answered */
#define LIMIT_INQUIRIES_UID         32u
#define LIMIT_INQUIRIES_KEPT        16u
#define LIMIT_WATCHERS              256u
#define LIMIT_WATCHERS_UID          32u
#define LIMIT_WATCHERS_KEPT         16u
#define LIMIT_WATCH_EVENTS          16384u /* not yet sent to every watcher; in bytes: */
#define LIMIT_WATCH_BYTES           (8u << 20)
#define LIMIT_CHANGES               1024u /* Start, Stop, Spawn and Reload under way */
#define LIMIT_CHANGES_UID           256u
#define LIMIT_CHANGES_KEPT          16u
#define LIMIT_DESCRIBED             1000u  /* actors in a Describe, or in a reply of Actors */
#define LIMIT_TIMED_ACTORS          4096u  /* in a worker, whose handlers' times are kept */
#define LIMIT_SLOW_KEPT             16u    /* of a worker's slow handlers, the last ones */
#define LIMIT_SLOW_LISTED           256u   /* in a reply of Blocked */
#define LIMIT_DESCRIBED_TASKS       256u   /* in a reply of Tasks */
#define LIMIT_OWNED_KINDS           32u    /* of what an actor has */
#define LIMIT_LISTED_INSTANCES      20000u /* of units in one reply, all units together */

/* Logs and events */
#define LIMIT_AUDIT_BURST             20u /* refused requests logged per user, in: */
#define LIMIT_AUDIT_INTERVAL_NS       10000000000ull
#define LIMIT_AUDITED_USERS           64u   /* counted apart; further ones share one limit */
#define LIMIT_DEAD_LETTER_KINDS       16u   /* of messages, counted apart by a worker */
#define LIMIT_DEAD_LETTER_NOTICES     2000u /* of a worker in a second; it sends a twentieth */
#define LIMIT_DEAD_LETTER_LOOKS       100u  /* notices in a second whose actors are named */
#define LIMIT_LOG_INTERVAL_DEFAULT_NS 30000000000ull /* LogRateLimitInterval= */
#define LIMIT_LOG_BURST_DEFAULT       10000u         /* lines in it: LogRateLimitBurst= */
#define LIMIT_LOGGED_KINDS            64u /* of failing handlers, logged apart by a worker */

/* Configuration files */
#define LIMIT_CONFIG_FILE      (1u << 20)
#define LIMIT_CONFIG_LINE      (64u << 10) /* continuation lines together */
#define LIMIT_CONFIG_DROPINS   256u        /* of one unit, or of trouped.conf */
#define LIMIT_CONFIG_DIRECTORY 16384u      /* entries of one directory that are looked at */
#define LIMIT_PROBLEMS         1000u       /* reported; further ones are only counted */
#define LIMIT_SOCKET_PATH      107u        /* bytes: what sun_path holds */
#define LIMIT_SOCKETS          64u         /* that were handed in */
#define LIMIT_UNIT_SOCKETS     16u         /* names of them in one unit's Sockets=; Listen= */
#define LIMIT_OPENED           1024u       /* that the daemon has opened, by Listen= */
#define LIMIT_RUNTIME_PATH     70u         /* bytes: an inbox's path must fit a socket's */

#endif
