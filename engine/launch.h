/* The protocol between the manager and svc-init: one SOCK_SEQPACKET message per request or event, in the
 * machine's byte order, both ends being built together (LAUNCH_VERSION is checked all the same).
 *
 * svc-init owns the children and remembers them; the manager may vanish at any instant. Everything
 * svc-init has to say is a *state* of a child's record, not a queue: when the socket is full or nobody listens, the record
 * is marked and told later. A launch id, chosen at random by the manager, names a process here; a pid never does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"

#define LAUNCH_VERSION 2u
#define LAUNCH_MAX_DESCRIPTORS \
	64			/* of a program: standard streams, namespaces, bind sources, passed sockets */
#define LAUNCH_MAX_HELD	      4 /* descriptors held for one record; more go to HOLDING records of their own */
#define LAUNCH_NAME_MAX	      64	    /* of a held descriptor, with NUL */
#define LAUNCH_FD_ENVIRONMENT "SVC_INIT_FD" /* the manager finds its end of the socket by this variable */

struct launch_id {
	uint8_t bytes[16];
};

enum launch_type {
	/* manager -> svc-init */
	LAUNCH_HELLO = 1, /* struct launch_hello: answered by LAUNCH_RECORD…, LAUNCH_TABLE_END */
	LAUNCH_SPAWN,	  /* struct launch_spawn + descriptors */
	LAUNCH_KILL,	  /* struct launch_kill */
	LAUNCH_FORGET, /* struct launch_request: the record of a dead child and what it holds is released */
	LAUNCH_ADOPT, /* struct launch_adopt + pidfd: a process that svc-init reaps (Type=forking) gets a record */
	LAUNCH_HOLD,	 /* struct launch_hold + 1 descriptor, kept with the record until it is forgotten */
	LAUNCH_SHUTDOWN, /* struct launch_shutdown: the manager has stopped everything and svc-init may end */
	/* svc-init -> manager */
	LAUNCH_WELCOME = 100, /* struct launch_welcome, first answer to HELLO */
	LAUNCH_RECORD, /* struct launch_record + held descriptors: one child, also sent when it executed, failed or ended */
	LAUNCH_TABLE_END, /* struct launch_request without id */
	LAUNCH_SIGNAL, /* struct launch_signal: svc-init itself got a signal that is the manager's business */
};

struct launch_request { /* the head of every message */
	uint32_t type;
	uint32_t version;
	struct launch_id id;
};

struct launch_hello {
	struct launch_request head;
};

enum {			      /* launch_welcome.mode */
       LAUNCH_MODE_MACHINE,   /* PID 1 of the machine: may reboot */
       LAUNCH_MODE_CONTAINER, /* PID 1 of a PID namespace */
       LAUNCH_MODE_SUBREAPER,
};

struct launch_welcome {
	struct launch_request head;
	uint32_t mode;
	uint32_t manager_starts; /* 1 the first time */
	int32_t pid;		 /* of svc-init */
	uint32_t reserved;
};

/* Descriptors of the message: the program (sealed memfd), the cgroup directory if LAUNCH_IN_CGROUP, then
 * n_descriptors for the program, then n_held that svc-init keeps with the record, named in held_names. */
enum { LAUNCH_IN_CGROUP = 1 << 0 };

struct launch_spawn {
	struct launch_request head;
	uint64_t clone_flags; /* CLONE_NEW*, as in the program's header */
	uint32_t flags;
	uint32_t n_descriptors;
	uint32_t n_held;
	uint32_t reserved;
	uint8_t invocation_id[16]; /* what $INVOCATION_ID says, where the program has a place for it */
	char label[64]; /* "web.service/start" for the record: survives a manager that lost its state */
	char held_names[LAUNCH_MAX_HELD][LAUNCH_NAME_MAX];
};
enum { LAUNCH_SPAWN_MAX_HELD = LAUNCH_MAX_HELD };

struct launch_kill {
	struct launch_request head;
	int32_t signal;
	uint32_t flags;
};
enum {
	LAUNCH_KILL_PAYLOAD = 0,    /* the payload (behind a container's init, if there is one) */
	LAUNCH_KILL_CHILD = 1 << 0, /* svc-init's own child: with a PID namespace SIGKILL ends all of it */
	LAUNCH_KILL_GROUP = 1 << 1, /* the process group (session) that the payload leads */
};

struct launch_adopt {
	struct launch_request head;
	int32_t pid;
	char label[64];
};

struct launch_hold {
	struct launch_request
		head; /* an id without a record makes a record that only holds (a listening socket) */
	char name[LAUNCH_NAME_MAX];
};

enum { /* launch_shutdown.action */
       LAUNCH_EXIT,
       LAUNCH_REBOOT,
       LAUNCH_POWER_OFF,
       LAUNCH_HALT,
};

struct launch_shutdown {
	struct launch_request head;
	uint32_t action;
	int32_t exit_status;
};

struct launch_signal {
	struct launch_request head;
	int32_t signal;
};

/* A child's life. FAILED and EXITED records stay until LAUNCH_FORGET. */
enum launch_state {
	LAUNCH_STATE_HOLDING,  /* no process: only holds descriptors */
	LAUNCH_STATE_STARTING, /* cloned, interpreting its program */
	LAUNCH_STATE_RUNNING,  /* execve(2) succeeded */
	LAUNCH_STATE_FAILED, /* an operation failed, or clone3 did (op == LAUNCH_OP_CLONE): no payload ever ran */
	LAUNCH_STATE_EXITED,
};
#define LAUNCH_OP_CLONE	   UINT32_MAX
#define LAUNCH_OP_PROTOCOL (UINT32_MAX - 1) /* the request or the program was not valid */
#define LAUNCH_STATUS_LOST INT32_MIN	    /* wait status of an adopted process that somebody else reaped */

/* Times are CLOCK_MONOTONIC microseconds. All of it is valid at any state; zero where it does not apply. */
struct launch_record {
	struct launch_request head;
	uint32_t state;
	int32_t pid;	     /* svc-init's child, in svc-init's PID namespace; stays when dead */
	int32_t payload_pid; /* the payload: the same, or the one behind a container's init */
	int32_t wait_status; /* raw, of the payload; LAUNCH_STATUS_LOST */
	uint32_t failed_op;
	int32_t failed_errno;
	uint64_t started_at, exec_at, ended_at;
	uint32_t n_held;
	uint32_t reserved;
	char label[64];
	/* n_held descriptors come with the message when it answers HELLO, named in order */
	char held_names[LAUNCH_MAX_HELD][LAUNCH_NAME_MAX];
};

/* --- between svc-init and its child, on report_fd ------------------------------------------------------ */

enum launch_report_type {
	LAUNCH_REPORT_FAILED = 1, /* op, error */
	LAUNCH_REPORT_PAYLOAD,	  /* from the payload itself, which carries SCM_CREDENTIALS: its pid */
	LAUNCH_REPORT_RUNNING,	  /* from a container's init: the payload's execve succeeded */
	LAUNCH_REPORT_EXITED,	  /* from a container's init: wait_status of the payload */
};

struct launch_report {
	uint32_t type;
	uint32_t op;
	int32_t error;
	int32_t wait_status;
};
