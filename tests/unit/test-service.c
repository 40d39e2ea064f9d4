/* manager/: the service state machine, and what a successor of the manager knows of it. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "manager/restart.h"
#include "manager/service.h"
#include "manager/store.h"
#include "tests/unit/fake-world.h"
#include "tests/unit/test.h"

static struct fake fake;

static struct unit_config *setup(enum service_type type)
{
	fake_deinit(&fake);
	fake_init(&fake);
	return fake_add_service(&fake, "a.service", type);
}

static struct unit *a(void)
{
	return fake_unit(&fake, "a.service");
}

static struct fake_launch *last(void)
{
	return fake_last(&fake, "a.service");
}

static const char *state(void)
{
	return fake_state(&fake, "a.service");
}

TEST(the_table_has_no_empty_cells)
{
	for (int i = 0; i < SERVICE_STATE_MAX_; i++)
		for (int j = 0; j < SERVICE_EVENT_MAX_; j++)
			EXPECT(service_transitions[i][j]);
}

TEST(simple_and_exec_are_up_when_executed)
{
	setup(SERVICE_SIMPLE);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "running");
	setup(SERVICE_EXEC);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "start");
	fake_run(&fake, last());
	EXPECT_TEXT(state(), "running");
	/* Told twice: no difference. */
	fake_run(&fake, last());
	EXPECT_TEXT(state(), "running");
	EXPECT_TEXT(fake.results, "a.service/start=done ");
}

TEST(an_exit_before_it_was_told_to_run_still_ran)
{
	setup(SERVICE_EXEC)->remain_after_exit = true;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "exited");
	EXPECT(last()->forgotten && a()->main.executed);
}

TEST(a_refused_launch_fails_the_start_with_its_text)
{
	setup(SERVICE_SIMPLE);
	fake.refuse = -ESRCH;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "failed");
	EXPECT(a()->result == SERVICE_FAILURE_EXIT_CODE && a()->main.exit_status == 217);
	EXPECT_TEXT(failure_kept(a()->last_failure)->where, "web.service:3");
	EXPECT_TEXT(fake.results, "a.service/start=failed ");
}

TEST(a_launch_that_fails_before_execve_is_described)
{
	setup(SERVICE_EXEC);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	last()->record.state = LAUNCH_STATE_FAILED;
	last()->record.failed_errno = EACCES;
	last()->alive = false;
	manager_on_record(fake.manager, &last()->record);
	fake_settle(&fake);
	EXPECT_TEXT(state(), "failed");
	EXPECT(a()->main.exit_status == 226 && failure_kept(a()->last_failure)->error == -EACCES &&
	       last()->forgotten);
	EXPECT_TEXT(failure_kept(a()->last_failure)->where, "web.service:14");
}

TEST(commands_run_one_after_the_other)
{
	struct unit_config *config = setup(SERVICE_ONESHOT);

	fake_command(config, SERVICE_EXEC_START, false);
	fake_command(config, SERVICE_EXEC_START_PRE, true);
	fake_command(config, SERVICE_EXEC_START_POST, false);
	fake_command(config, SERVICE_EXEC_STOP, false);
	fake_command(config, SERVICE_EXEC_STOP_POST, false);
	config->remain_after_exit = true;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "start-pre");
	fake_exit(&fake, last(), W_EXITCODE(1, 0)); /* "-" */
	EXPECT(last()->command == SERVICE_EXEC_START && last()->index == 0);
	fake_exit(&fake, last(), 0);
	EXPECT(last()->command == SERVICE_EXEC_START && last()->index == 1);
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "start-post");
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "exited");
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT_TEXT(state(), "stop");
	EXPECT_TEXT(last()->environment, "SERVICE_RESULT=success EXIT_CODE=exited EXIT_STATUS=0");
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "stop-post");
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "dead");
}

TEST(exec_condition_skips_or_fails)
{
	fake_command(setup(SERVICE_SIMPLE), SERVICE_EXEC_CONDITION, false);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, last(), W_EXITCODE(3, 0));
	EXPECT_TEXT(state(), "dead");
	EXPECT(a()->result == SERVICE_SKIP_CONDITION);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, last(), W_EXITCODE(255, 0));
	EXPECT_TEXT(state(), "failed");
}

TEST(stop_escalates_and_never_hangs)
{
	struct unit_config *config = setup(SERVICE_SIMPLE);

	fake_command(config, SERVICE_EXEC_STOP, false);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT_TEXT(state(), "stop");
	fake_wait(&fake, USEC_PER_SEC * 11 / 10);
	EXPECT_TEXT(state(), "stop-sigterm");
	EXPECT(fake.launches[0].signal == SIGTERM && fake.launches[1].signal == SIGTERM);
	fake_wait(&fake, USEC_PER_SEC);
	EXPECT_TEXT(state(), "stop-sigkill");
	EXPECT(fake.launches[0].signal == SIGKILL);
	/* Nothing can kill it: given up in the end. */
	fake_wait(&fake, 5 * USEC_PER_SEC);
	EXPECT_TEXT(state(), "failed");
	EXPECT(a()->result == SERVICE_FAILURE_TIMEOUT && !a()->main.alive);
	EXPECT_TEXT(fake.results, "a.service/start=done a.service/stop=done ");
	/* It ends at last: forgotten. */
	fake_exit(&fake, &fake.launches[0], SIGKILL);
	EXPECT(fake.launches[0].forgotten);
}

TEST(what_the_main_process_left_behind_is_killed_before_dead)
{
	setup(SERVICE_SIMPLE);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake.leftover = true;
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	fake_exit(&fake, last(), SIGTERM);
	EXPECT_TEXT(state(), "final-sigterm");
	fake_wait(&fake, USEC_PER_SEC * 11 / 10);
	EXPECT(!fake.leftover);
	EXPECT_TEXT(state(), "final-sigkill");
	manager_on_empty(fake.manager, "a.service");
	fake_settle(&fake);
	EXPECT_TEXT(state(), "failed"); /* a timeout is a failure */
	/* Late and twice does no harm. */
	manager_on_empty(fake.manager, "a.service");
	EXPECT_TEXT(state(), "failed");
}

TEST(forking_finds_its_main_process)
{
	struct unit_config *config = setup(SERVICE_FORKING);

	config->pid_file = strdup("/run/a.pid");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "start");
	fake.leftover = true;
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "start"); /* no PID file yet */
	fake.main_pid = 4711;
	fake_wait(&fake, USEC_PER_SEC / 10);
	EXPECT_TEXT(state(), "running");
	EXPECT(a()->main.alive && a()->main.pid == 4711);
	fake.leftover = false;
	fake_exit(&fake, last(), W_EXITCODE(2, 0));
	EXPECT_TEXT(state(), "failed");
}

TEST(forking_without_a_known_main_process_lives_as_long_as_its_group)
{
	setup(SERVICE_FORKING)->guess_main_pid = false;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake.leftover = true;
	fake_exit(&fake, last(), 0);
	EXPECT_TEXT(state(), "running");
	fake.leftover = false;
	manager_on_empty(fake.manager, "a.service");
	EXPECT_TEXT(state(), "dead");
}

TEST(notify_tells_everything)
{
	struct unit_config *config = setup(SERVICE_NOTIFY_RELOAD);

	config->watchdog = USEC_PER_SEC;
	config->reload_signal = SIGHUP;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_run(&fake, last());
	manager_on_notify(fake.manager, "a.service", 1, "READY=1"); /* NotifyAccess=main */
	EXPECT_TEXT(state(), "start");
	fake_wait(&fake, USEC_PER_SEC / 2);
	fake_notify(&fake, "a.service", "EXTEND_TIMEOUT_USEC=3000000\nSTATUS=warming up\nERRNO=5");
	fake_wait(&fake, 2 * USEC_PER_SEC);
	EXPECT_TEXT(state(), "start");
	EXPECT_TEXT(a()->status_text, "warming up");
	EXPECT(a()->status_errno == 5);
	fake_notify(&fake, "a.service", "READY=1");
	EXPECT_TEXT(state(), "running");
	EXPECT(fake_do(&fake, JOB_RELOAD, "a.service") == 0);
	EXPECT_TEXT(state(), "reload-signal");
	EXPECT(last()->signal == SIGHUP);
	fake_notify(&fake, "a.service", "RELOADING=1\nMONOTONIC_USEC=1"); /* an old one */
	EXPECT_TEXT(state(), "reload-signal");
	fake_notify(&fake, "a.service", "RELOADING=1");
	EXPECT_TEXT(state(), "reload-notify");
	fake_notify(&fake, "a.service", "READY=1\nWATCHDOG=1");
	EXPECT_TEXT(state(), "running");
	EXPECT(strstr(fake.results, "a.service/reload=done"));
	fake_wait(&fake, USEC_PER_SEC * 11 / 10);
	EXPECT_TEXT(state(), "stop-watchdog");
	EXPECT(a()->result == SERVICE_FAILURE_WATCHDOG);
}

TEST(restart_follows_the_table)
{
	static const struct {
		enum service_restart restart;
		int status;
		bool restarts;
	} cases[] = {
		{SERVICE_RESTART_NO, 11, false},
		{SERVICE_RESTART_ALWAYS, 0, true},
		{SERVICE_RESTART_ON_SUCCESS, 0, true},
		{SERVICE_RESTART_ON_SUCCESS, SIGTERM, true},
		{SERVICE_RESTART_ON_SUCCESS, 1 << 8, false},
		{SERVICE_RESTART_ON_FAILURE, 0, false},
		{SERVICE_RESTART_ON_FAILURE, 1 << 8, true},
		{SERVICE_RESTART_ON_FAILURE, SIGKILL, true},
		{SERVICE_RESTART_ON_ABNORMAL, 1 << 8, false},
		{SERVICE_RESTART_ON_ABNORMAL, SIGSEGV, true},
		{SERVICE_RESTART_ON_ABORT, SIGSEGV | 0x80, true},
		{SERVICE_RESTART_ON_ABORT, 1 << 8, false},
		{SERVICE_RESTART_ON_WATCHDOG, SIGSEGV, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(SERVICE_SIMPLE)->restart = cases[i].restart;
		EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
		fake_exit(&fake, last(), cases[i].status);
		EXPECT((strcmp(state(), "auto-restart") == 0) == cases[i].restarts);
	}
}

TEST(automatic_restarts_are_counted_and_limited)
{
	struct unit_config *config = setup(SERVICE_SIMPLE);

	config->restart = SERVICE_RESTART_ALWAYS;
	config->start_limit_interval = 10 * USEC_PER_SEC;
	config->start_limit_burst = 3;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	for (unsigned i = 0; i < 2; i++) {
		fake_exit(&fake, last(), SIGKILL);
		EXPECT_TEXT(state(), "auto-restart");
		fake_wait(&fake, USEC_PER_SEC / 5);
		EXPECT_TEXT(state(), "running");
		EXPECT(a()->n_restarts == i + 1);
	}
	fake_exit(&fake, last(), SIGKILL);
	fake_wait(&fake, USEC_PER_SEC / 5);
	EXPECT_TEXT(state(), "failed");
	EXPECT(a()->result == SERVICE_FAILURE_START_LIMIT_HIT);
	EXPECT(manager_reset_failed(fake.manager, a()) == 0);
	EXPECT_TEXT(state(), "dead");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "running");
	EXPECT(a()->n_restarts == 0);
	/* Stopping while it waits for a restart. */
	fake_exit(&fake, last(), SIGKILL);
	EXPECT_TEXT(state(), "auto-restart");
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT_TEXT(state(), "dead");
	fake_wait(&fake, USEC_PER_SEC);
	EXPECT_TEXT(state(), "dead");
}

TEST(restart_delays_grow_in_steps)
{
	struct unit_config *config = setup(SERVICE_SIMPLE);
	usec_t before = 0;

	config->restart_delay = USEC_PER_SEC;
	config->restart_delay_max = 16 * USEC_PER_SEC;
	config->restart_steps = 4;
	for (unsigned i = 0; i <= 5; i++) {
		a()->n_restarts = i;
		EXPECT(restart_delay(a()) >= before);
		before = restart_delay(a());
		EXPECT(i != 0 || before == USEC_PER_SEC);
		EXPECT(i != 2 || (before > 3900000 && before < 4100000));
	}
	EXPECT(before == 16 * USEC_PER_SEC);
}

TEST(a_restart_while_stopping_and_a_start_while_stopping_both_start)
{
	setup(SERVICE_SIMPLE);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT(fake_do(&fake, JOB_RESTART, "a.service") == 0);
	EXPECT_TEXT(state(), "stop-sigterm");
	fake_exit(&fake, last(), SIGTERM);
	EXPECT_TEXT(state(), "running");
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0 && fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, last(), SIGTERM);
	EXPECT_TEXT(state(), "running");
	EXPECT(strstr(fake.results, "a.service/stop=canceled a.service/start=done"));
}

TEST(what_is_frozen_is_thawed_before_it_must_hear_something)
{
	fake_command(setup(SERVICE_SIMPLE), SERVICE_EXEC_RELOAD, false);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake.frozen = true;
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT(!fake.frozen && fake.launches[0].signal == SIGTERM);
	fake_exit(&fake, &fake.launches[0], SIGTERM);
	EXPECT_TEXT(state(), "dead");
	/* A command would freeze with it. */
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake.frozen = true;
	EXPECT(fake_do(&fake, JOB_RELOAD, "a.service") == 0);
	EXPECT_TEXT(state(), "reload");
	EXPECT(!fake.frozen);
}

TEST(a_reload_by_signal_thaws_first)
{
	setup(SERVICE_NOTIFY_RELOAD)->reload_signal = SIGHUP;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_run(&fake, last());
	fake_notify(&fake, "a.service", "READY=1");
	fake.frozen = true;
	EXPECT(fake_do(&fake, JOB_RELOAD, "a.service") == 0);
	EXPECT(!fake.frozen && last()->signal == SIGHUP);
}

TEST(a_reload_during_the_start_happens_after_it)
{
	struct unit_config *config = setup(SERVICE_NOTIFY);

	fake_command(config, SERVICE_EXEC_RELOAD, false);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_RELOAD, "a.service") == 0);
	fake_run(&fake, last());
	fake_notify(&fake, "a.service", "READY=1");
	EXPECT_TEXT(state(), "reload");
	EXPECT(strstr(last()->environment, "MAINPID=1001"));
	fake_exit(&fake, last(), W_EXITCODE(1, 0));
	EXPECT_TEXT(state(), "running");
	EXPECT_TEXT(fake.results, "a.service/reload=failed ");
}

TEST(conditions_leave_it_down_without_failing)
{
	struct unit_config *config = setup(SERVICE_SIMPLE);

	config->conditions = calloc(1, sizeof *config->conditions);
	config->n_conditions = 1;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT_TEXT(state(), "dead");
	EXPECT(!a()->condition_result);
	EXPECT_TEXT(fake.results, "a.service/start=done ");
}

/* --- what a successor knows ---------------------------------------------------------------------------- */

TEST(a_successor_goes_on_where_the_manager_died)
{
	struct unit_config *config = setup(SERVICE_NOTIFY);

	config->restart = SERVICE_RESTART_ALWAYS;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_run(&fake, last());
	fake_crash(&fake, false);
	EXPECT_TEXT(state(), "start");
	EXPECT(a()->job && a()->job->id == 1 && a()->job->state == JOB_RUNNING);
	fake_notify(&fake, "a.service", "READY=1\nSTATUS=fine");
	EXPECT_TEXT(state(), "running");
	EXPECT_TEXT(fake.results, "a.service/start=done ");
	fake_crash(&fake, false);
	EXPECT_TEXT(a()->status_text, "fine");
	EXPECT(fake.n_launches == 1 && a()->main.alive && a()->main.pid == 1001);
	/* Its end while nobody was there. */
	fake.launches[0].alive = false;
	fake.launches[0].record.state = LAUNCH_STATE_EXITED;
	fake.launches[0].record.wait_status = W_EXITCODE(3, 0);
	fake_crash(&fake, false);
	EXPECT_TEXT(state(), "auto-restart");
	EXPECT(a()->main.wait_status == W_EXITCODE(3, 0) && fake.launches[0].forgotten);
	/* A deadline survives too. */
	fake_crash(&fake, false);
	fake_wait(&fake, USEC_PER_SEC / 2);
	EXPECT_TEXT(state(), "start");
	EXPECT(fake.n_launches == 2 && a()->n_restarts == 1);
}

TEST(a_process_that_nobody_knows_any_more_has_died_unseen)
{
	setup(SERVICE_SIMPLE);
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake.launches[0].alive = false;
	fake_crash(&fake, true);
	EXPECT_TEXT(state(), "failed");
	EXPECT(a()->main.wait_status == LAUNCH_STATUS_LOST && a()->result == SERVICE_FAILURE_PROTOCOL);
}

TEST(strangers_are_killed_and_forgotten)
{
	struct launch_record record = {
		.head.id.bytes = {9}, .state = LAUNCH_STATE_RUNNING, .label = "gone.service/start"};

	setup(SERVICE_SIMPLE);
	fake.launches[fake.n_launches++] = (struct fake_launch){.record = record, .alive = true};
	manager_on_record(fake.manager, &record);
	EXPECT(fake.launches[0].signal == SIGKILL && !fake.launches[0].forgotten);
	record.state = LAUNCH_STATE_EXITED;
	manager_on_record(fake.manager, &record);
	EXPECT(fake.launches[0].forgotten);
}

/* --- the store ----------------------------------------------------------------------------------------- */

static uint8_t seen(struct store *store, uint32_t slot)
{
	const char *name;
	const struct store_unit *unit = store_read(store, slot, &name);

	return unit ? unit->state : 0;
}

TEST(the_store_takes_all_writes_of_a_commit_or_none)
{
	struct store store, again;
	struct store_unit unit = {.state = 1};
	uint32_t first, second;

	fake_deinit(&fake);
	fake_init(&fake);
	EXPECT(store_open(&store, &fake.world) == 0);
	EXPECT(store_add(&store, "a.service", &first) == 0 && store_add(&store, "b.service", &second) == 0);
	store_write(&store, first, &unit);
	store_write(&store, second, &unit);
	EXPECT(seen(&store, first) == 0);
	store_commit(&store);
	EXPECT(seen(&store, first) == 1 && seen(&store, second) == 1);
	unit.state = 2;
	store_write(&store, first, &unit);
	unit.state = 3;
	store_write(&store, first, &unit);
	/* The writer dies here; its successor commits something else. */
	EXPECT(store_open(&again, &fake.world) == 0);
	EXPECT(seen(&again, first) == 1 && seen(&again, second) == 1);
	unit.state = 4;
	store_write(&again, second, &unit);
	store_commit(&again);
	EXPECT(seen(&again, first) == 1 && seen(&again, second) == 4);
	store_close(&again);
	store_close(&store);
}

TEST(the_store_grows_and_forgets)
{
	struct store store, again;
	struct store_unit unit = {.state = 1};
	uint32_t slot = 0;
	char name[32];

	fake_deinit(&fake);
	fake_init(&fake);
	EXPECT(store_open(&store, &fake.world) == 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "n%u.service", i);
		EXPECT(store_add(&store, name, &slot) == 0);
		store_write(&store, slot, &unit);
	}
	store_commit(&store);
	store_remove(&store, slot);
	store_close(&store);
	EXPECT(store_open(&again, &fake.world) == 0);
	slot = 0;
	for (uint32_t i = 1; i <= again.n_slots; i++)
		slot += seen(&again, i);
	EXPECT(slot == 99);
	store_close(&again);
}

TEST_MAIN
