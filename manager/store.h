/* What a manager remembers beyond its own death: one slot per unit in world->memory(), written with plain
 * stores.
 *
 * The writer may be killed between any two instructions, so nothing valid is ever overwritten: a slot has two
 * copies, a write goes to the one that is not in force, and all writes of one event come into force together
 * when the header's commit number is stored. A reader takes, of each slot, the newest intact copy that was
 * committed. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"
#include "base/time.h"
#include "engine/launch.h"

struct world;

#define STORE_VERSION 3u

struct store_process {
	struct launch_id id;
	uint64_t started_at, started_realtime, ended_at, ended_realtime;
	int32_t pid, wait_status, exit_status;
	uint8_t alive, executed, command, reserved;
	uint16_t index, reserved_2;
};

/* A unit as remembered. Fixed sizes only: the next manager may be another build. */
struct store_unit {
	uint8_t state, result, reload_result, forbid_restart;
	uint8_t automatic_restart, notified_reloading, watchdog_overridden, condition_result;
	int32_t notify_access, status_errno;
	uint32_t n_restarts, work;
	uint64_t timestamps[12];
	uint64_t deadline, watchdog_at, watchdog, reload_begin;
	uint64_t limit_begin;
	uint32_t limit_n;
	uint32_t job_id; /* 0: no job */
	uint8_t job_type, job_state, job_irreversible, job_ignore_order;
	uint8_t job_starts, assert_result, reserved[2];
	uint64_t job_begin_at, job_deadline;
	uint8_t invocation_id[16];
	struct store_process main, control;
	uint64_t started_fingerprint;
	int32_t failure_error;
	uint32_t slice; /* slot of the slice that the unit, being up, is in; 0: none */
	char status_text[96], failure_where[96], failure_text[192]; /* cut where longer */
};

/* What concerns no single unit; each field is stored by one instruction. */
#define STORE_SHUTTING_DOWN 0x646e6521u
struct store_globals {
	uint32_t last_job_id, boot_finished;
	uint32_t shutdown_action;
	int32_t shutdown_exit_status;
	uint32_t
		shutting_down; /* STORE_SHUTTING_DOWN, after the two above: nothing that a damaged bit could say */
};

struct store {
	struct world *world;
	void *base; /* of world->memory() */
	uint32_t n_slots, *free_slots, n_free;
	bool pending; /* written, not committed */
};

/* Opens what the world remembers, or starts with nothing when it is new or from a manager that cannot be
 * understood. */
int store_open(struct store *store, struct world *world);
void store_close(struct store *store);
struct store_globals *store_globals(struct store *store);
/* A slot for unit NAME, from 1; it is remembered with the first store_write(). -ENOMEM, -ENAMETOOLONG. */
int store_add(struct store *store, const char *name, uint32_t *ret_slot);
void store_remove(struct store *store, uint32_t slot);
void store_write(struct store *store, uint32_t slot, const struct store_unit *unit);
/* Everything written since the last commit is in force from here on. */
void store_commit(struct store *store);
/* The unit in SLOT (1…store->n_slots), NULL when there is none. The name lives in the store. */
const struct store_unit *store_read(const struct store *store, uint32_t slot, const char **ret_name);
