/* manager/: the graph, transactions and the order of jobs. */
#include <errno.h>
#include <sys/wait.h>

#include "manager/deadline.h"
#include "manager/job.h"
#include "tests/unit/fake-world.h"
#include "tests/unit/test.h"

static struct fake fake;

static void setup(void)
{
	fake_deinit(&fake);
	fake_init(&fake);
}

static void add(const char *name)
{
	fake_add_service(&fake, name, SERVICE_SIMPLE);
}

static int enqueue(enum job_type type, const char *name, enum job_mode mode, struct failure *failure)
{
	return manager_enqueue(fake.manager, type, fake_unit(&fake, name), mode, NULL, failure);
}

static bool has_job(const char *name, enum job_type type)
{
	struct unit *unit = manager_get_unit(fake.manager, name);

	return unit && unit->job && unit->job->type == type;
}

TEST(start_pulls_in_requirements_transitively)
{
	setup();
	add("a.service"), add("b.service"), add("c.service"), add("d.service");
	fake_depend(&fake, "a.service", UNIT_REQUIRES, "b.service");
	fake_depend(&fake, "b.service", UNIT_WANTS, "c.service");
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, NULL) == 0);
	EXPECT(has_job("a.service", JOB_START) && has_job("b.service", JOB_START) &&
	       has_job("c.service", JOB_START));
	EXPECT(!manager_get_unit(fake.manager, "d.service"));
}

TEST(a_missing_requirement_fails_all_a_missing_wish_nothing)
{
	struct failure failure;

	setup();
	add("a.service"), add("b.service"), add("c.service");
	fake_depend(&fake, "a.service", UNIT_WANTS, "b.service");
	fake_depend(&fake, "b.service", UNIT_REQUIRES, "missing.service");
	fake_depend(&fake, "c.service", UNIT_REQUIRES, "b.service");
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, NULL) == 0);
	EXPECT(has_job("a.service", JOB_START) && !has_job("b.service", JOB_START));
	EXPECT(enqueue(JOB_START, "c.service", JOB_REPLACE, &failure) == -ENOENT);
	EXPECT_TEXT(failure.text, "Unit missing.service not found");
	EXPECT(!has_job("c.service", JOB_START));
}

TEST(units_that_cannot_be_loaded_say_why)
{
	struct failure failure;
	struct unit_config *config;
	struct failure why;

	setup();
	fake_add(&fake, "masked.service")->load_state = UNIT_MASKED;
	config = fake_add(&fake, "bad.service");
	config->load_state = UNIT_BAD_SETTING;
	failure_set(&why, -EINVAL, "bad.service:3", "unknown key");
	failure_keep(&config->load_failure, &why);
	EXPECT(enqueue(JOB_START, "masked.service", JOB_REPLACE, &failure) == -ESHUTDOWN);
	EXPECT_TEXT(failure.text, "Unit masked.service is masked");
	EXPECT(enqueue(JOB_START, "bad.service", JOB_REPLACE, &failure) == -EBADMSG);
	EXPECT_TEXT(failure.where, "bad.service:3");
	EXPECT_TEXT(failure.text, "unknown key");
	EXPECT(enqueue(JOB_START, "none.service", JOB_REPLACE, &failure) == -ENOENT);
	EXPECT(enqueue(JOB_STOP, "none.service", JOB_REPLACE, &failure) == 0);
	fake_settle(&fake);
}

TEST(after_waits_for_the_start_and_stop_goes_in_reverse)
{
	setup();
	fake_add_service(&fake, "a.service", SERVICE_NOTIFY);
	add("b.service");
	fake_depend(&fake, "b.service", UNIT_REQUIRES, "a.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	EXPECT(fake_do(&fake, JOB_START, "b.service") == 0);
	EXPECT(fake_last(&fake, "a.service") && !fake_last(&fake, "b.service"));
	fake_run(&fake, fake_last(&fake, "a.service"));
	EXPECT(!fake_last(&fake, "b.service"));
	fake_notify(&fake, "a.service", "READY=1");
	EXPECT(fake_last(&fake, "b.service"));
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	EXPECT(fake_last(&fake, "b.service")->signal && !fake_last(&fake, "a.service")->signal);
	fake_exit(&fake, fake_last(&fake, "b.service"), 0);
	EXPECT(fake_last(&fake, "a.service")->signal);
}

TEST(conflicts_stop_before_the_other_starts)
{
	setup();
	add("a.service"), add("b.service");
	fake_depend(&fake, "b.service", UNIT_CONFLICTS, "a.service");
	fake_depend(&fake, "b.service", UNIT_BEFORE, "a.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_START, "b.service") == 0);
	EXPECT(fake_last(&fake, "a.service")->signal && !fake_last(&fake, "b.service"));
	fake_exit(&fake, fake_last(&fake, "a.service"), 0);
	EXPECT(fake_last(&fake, "b.service"));
	EXPECT_TEXT(fake_state(&fake, "a.service"), "dead");
	/* And the other way round: who is conflicted by what runs stops it too. */
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT(fake_last(&fake, "b.service")->signal);
}

TEST(contradicting_requirements_are_refused)
{
	struct failure failure;

	setup();
	add("a.service"), add("b.service");
	fake_depend(&fake, "a.service", UNIT_REQUIRES, "b.service");
	fake_depend(&fake, "a.service", UNIT_CONFLICTS, "b.service");
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, &failure) == -EBUSY);
	EXPECT(fake.manager->jobs.count == 0);
}

TEST(a_cycle_of_wishes_is_broken_a_cycle_of_needs_refused)
{
	struct failure failure;

	setup();
	add("a.service"), add("b.service"), add("c.service");
	fake_depend(&fake, "a.service", UNIT_WANTS, "b.service");
	fake_depend(&fake, "a.service", UNIT_AFTER, "b.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	fake_depend(&fake, "c.service", UNIT_REQUIRES, "a.service");
	fake_depend(&fake, "c.service", UNIT_REQUIRES, "b.service");
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, &failure) == 0);
	EXPECT(has_job("a.service", JOB_START) && !has_job("b.service", JOB_START));
	fake_settle(&fake);
	EXPECT_TEXT(fake_state(&fake, "a.service"), "running");
	fake_exit(&fake, fake_last(&fake, "a.service"), 0);
	EXPECT(enqueue(JOB_START, "c.service", JOB_REPLACE, &failure) == -EDEADLK);
	EXPECT(strstr(failure.text, "a.service/start") && strstr(failure.text, "b.service/start"));
	EXPECT(fake.manager->jobs.count == 0);
}

TEST(a_restart_that_would_deadlock_in_its_second_half_is_found)
{
	struct failure failure;

	setup();
	add("a.service"), add("b.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_depend(&fake, "b.service", UNIT_REQUIRES, "a.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	fake_depend(&fake, "b.service", UNIT_BEFORE, "a.service");
	EXPECT(enqueue(JOB_RESTART, "a.service", JOB_REPLACE, NULL) == 0);
	EXPECT(enqueue(JOB_START, "b.service", JOB_REPLACE, &failure) == -EDEADLK);
}

TEST(a_failed_requirement_fails_the_jobs_that_wait_for_it)
{
	setup();
	fake_add_service(&fake, "a.service", SERVICE_ONESHOT);
	add("b.service"), add("c.service");
	fake_depend(&fake, "b.service", UNIT_REQUIRES, "a.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	fake_depend(&fake, "c.service", UNIT_REQUIRES, "b.service");
	fake_depend(&fake, "c.service", UNIT_AFTER, "b.service");
	EXPECT(fake_do(&fake, JOB_START, "c.service") == 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), W_EXITCODE(1, 0));
	EXPECT_TEXT(fake.results,
		    "a.service/start=failed b.service/start=dependency c.service/start=dependency ");
	EXPECT(!fake_last(&fake, "b.service") && manager_count_failed(fake.manager) == 1);
}

TEST(requisite_wants_it_to_be_up_already)
{
	setup();
	add("a.service"), add("b.service");
	fake_depend(&fake, "b.service", UNIT_REQUISITE, "a.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	EXPECT(fake_do(&fake, JOB_START, "b.service") == 0);
	EXPECT(!fake_last(&fake, "b.service") && strstr(fake.results, "b.service/start=dependency"));
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_START, "b.service") == 0);
	EXPECT(fake_last(&fake, "b.service"));
}

TEST(bound_units_go_with_what_they_are_bound_to)
{
	setup();
	add("a.service"), add("b.service"), add("c.service");
	fake_depend(&fake, "b.service", UNIT_BINDS_TO, "a.service");
	fake_depend(&fake, "c.service", UNIT_REQUIRES, "a.service");
	EXPECT(fake_do(&fake, JOB_START, "b.service") == 0 && fake_do(&fake, JOB_START, "c.service") == 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), W_EXITCODE(1, 0));
	EXPECT(fake_last(&fake, "b.service")->signal && !fake_last(&fake, "c.service")->signal);
}

TEST(stop_and_restart_reach_parts_reload_whom_it_is_passed_to)
{
	setup();
	add("a.service"), add("part.service");
	fake_command(fake_add_service(&fake, "told.service", SERVICE_SIMPLE), SERVICE_EXEC_RELOAD, false);
	fake_depend(&fake, "part.service", UNIT_PART_OF, "a.service");
	fake_depend(&fake, "a.service", UNIT_PROPAGATES_RELOAD_TO, "told.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_START, "part.service") == 0);
	EXPECT(fake_do(&fake, JOB_START, "told.service") == 0);
	EXPECT(fake_do(&fake, JOB_RELOAD, "a.service") == 0);
	EXPECT_TEXT(fake_state(&fake, "told.service"), "reload");
	EXPECT(enqueue(JOB_RESTART, "a.service", JOB_REPLACE, NULL) == 0 &&
	       has_job("part.service", JOB_RESTART));
	EXPECT(enqueue(JOB_STOP, "a.service", JOB_REPLACE, NULL) == 0 && has_job("part.service", JOB_STOP));
}

TEST(modes_decide_about_jobs_that_are_queued)
{
	struct failure failure;

	setup();
	fake_add_service(&fake, "a.service", SERVICE_NOTIFY);
	fake_add_service(&fake, "b.service", SERVICE_NOTIFY);
	fake_depend(&fake, "b.service", UNIT_REQUIRES, "a.service");
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, NULL) == 0);
	EXPECT(enqueue(JOB_STOP, "a.service", JOB_FAIL, &failure) == -EBUSY);
	EXPECT(has_job("a.service", JOB_START));
	EXPECT(enqueue(JOB_STOP, "a.service", JOB_REPLACE_IRREVERSIBLY, NULL) == 0 &&
	       has_job("a.service", JOB_STOP));
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, &failure) == -EBUSY);
	EXPECT(strstr(failure.text, "destructive"));
	EXPECT(enqueue(JOB_START, "b.service", JOB_IGNORE_DEPENDENCIES, NULL) == 0 &&
	       has_job("a.service", JOB_STOP));
	fake_settle(&fake);
	EXPECT(fake_last(&fake, "b.service"));
}

TEST(isolate_stops_everything_else)
{
	struct failure failure;

	setup();
	add("a.service"), add("b.service");
	fake_add(&fake, "t.target")->allow_isolate = true;
	fake_depend(&fake, "t.target", UNIT_WANTS, "b.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	EXPECT(enqueue(JOB_START, "a.service", JOB_ISOLATE, &failure) == -EPERM);
	EXPECT(enqueue(JOB_START, "t.target", JOB_ISOLATE, NULL) == 0);
	EXPECT(has_job("a.service", JOB_STOP) && has_job("b.service", JOB_START) &&
	       has_job("t.target", JOB_START));
	/* A target comes after what it wants. */
	fake_settle(&fake);
	EXPECT(strstr(fake.results, "b.service/start=done t.target/start=done"));
}

TEST(try_restart_of_what_is_down_does_nothing)
{
	struct job *job;

	setup();
	add("a.service");
	EXPECT(manager_enqueue(fake.manager, JOB_TRY_RESTART, fake_unit(&fake, "a.service"), JOB_REPLACE,
			       &job, NULL) == 0);
	EXPECT(job && job->type == JOB_NOP && manager_get_job(fake.manager, job->id) == job);
	fake_settle(&fake);
	EXPECT(fake.manager->jobs.count == 0 && !fake_last(&fake, "a.service"));
	EXPECT_TEXT(fake.results, "a.service/nop=done ");
}

TEST(jobs_merge_and_contradict)
{
	enum job_type merged;

	EXPECT(job_type_merge(JOB_START, JOB_VERIFY_ACTIVE, &merged) && merged == JOB_START);
	EXPECT(job_type_merge(JOB_RELOAD, JOB_RESTART, &merged) && merged == JOB_RESTART);
	EXPECT(job_type_merge(JOB_START, JOB_RELOAD, &merged) && merged == JOB_RELOAD_OR_START);
	for (enum job_type type = JOB_START; type <= JOB_VERIFY_ACTIVE; type++) {
		EXPECT(job_type_merge(type, type, &merged) && merged == type);
		EXPECT(job_type_merge(type, JOB_STOP, &merged) == (type == JOB_STOP));
		EXPECT(job_type_merge(JOB_STOP, type, &merged) == (type == JOB_STOP));
	}
}

TEST(a_job_has_a_time_limit)
{
	setup();
	fake_add_service(&fake, "a.service", SERVICE_NOTIFY)->job_timeout = USEC_PER_SEC / 2;
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_wait(&fake, USEC_PER_SEC * 6 / 10);
	EXPECT_TEXT(fake.results, "a.service/start=timeout ");
	EXPECT_TEXT(fake_state(&fake, "a.service"), "start");
}

TEST(consequences_start_other_units)
{
	setup();
	add("a.service"), add("failed.service"), add("ok.service"), add("upheld.service"), add("up.service");
	fake_depend(&fake, "a.service", UNIT_ON_FAILURE, "failed.service");
	fake_depend(&fake, "a.service", UNIT_ON_SUCCESS, "ok.service");
	fake_depend(&fake, "up.service", UNIT_UPHOLDS, "upheld.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), 0);
	EXPECT(fake_last(&fake, "ok.service") && !fake_last(&fake, "failed.service"));
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), 11);
	EXPECT(fake_last(&fake, "failed.service"));
	EXPECT(fake_do(&fake, JOB_START, "up.service") == 0);
	fake_exit(&fake, fake_last(&fake, "upheld.service"), 0);
	EXPECT(fake_last(&fake, "upheld.service")->alive);
}

TEST(reload_takes_new_files_and_keeps_what_runs)
{
	struct unit *unit;

	setup();
	add("a.service"), add("b.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0);
	fake_depend(&fake, "a.service", UNIT_REQUIRES, "b.service");
	EXPECT(manager_reload(fake.manager, NULL) == 0);
	unit = fake_unit(&fake, "a.service");
	EXPECT_TEXT(fake_state(&fake, "a.service"), "running");
	EXPECT(text_list_contains(unit->config->dependencies[UNIT_REQUIRES], "b.service"));
	/* Its file is gone: it can be stopped, not started. */
	fake.configs[0]->load_state = UNIT_NOT_FOUND;
	EXPECT(manager_reload(fake.manager, NULL) == 0);
	EXPECT(unit->config->load_state == UNIT_NOT_FOUND &&
	       unit->config->commands[SERVICE_EXEC_START].n == 1);
	EXPECT(fake_do(&fake, JOB_STOP, "a.service") == 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), 0);
	EXPECT(enqueue(JOB_START, "a.service", JOB_REPLACE, NULL) == -ENOENT);
}

TEST(shutdown_stops_in_order_and_says_so)
{
	setup();
	add("a.service"), add("b.service");
	fake_depend(&fake, "b.service", UNIT_AFTER, "a.service");
	EXPECT(fake_do(&fake, JOB_START, "a.service") == 0 && fake_do(&fake, JOB_START, "b.service") == 0);
	manager_shutdown(fake.manager, 0, 0);
	fake_settle(&fake);
	EXPECT(!fake.finished && fake_last(&fake, "b.service")->signal &&
	       !fake_last(&fake, "a.service")->signal);
	EXPECT(enqueue(JOB_START, "b.service", JOB_REPLACE, NULL) == -EBUSY);
	fake_crash(&fake, false);
	EXPECT_TEXT(manager_system_state(fake.manager), "stopping");
	fake_exit(&fake, fake_last(&fake, "b.service"), 0);
	fake_exit(&fake, fake_last(&fake, "a.service"), 0);
	EXPECT(fake.finished);
}

TEST(many_neighbours_are_no_burden)
{
	char name[32];

	setup();
	fake_add(&fake, "hub.target");
	/* Names only: a mention makes a node, not a unit. */
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "n%u.service", i);
		fake_depend(&fake, "hub.target", UNIT_CONFLICTS, name);
	}
	EXPECT(fake_do(&fake, JOB_START, "hub.target") == 0);
	EXPECT(fake.manager->units.count == 1);
	EXPECT(manager_reload(fake.manager, NULL) == 0);
}

TEST(deadlines_come_in_order)
{
	struct deadline_heap heap = {};
	struct deadline items[100] = {};
	usec_t last = 0;

	EXPECT(deadline_reserve(&heap, 100) == 0);
	for (unsigned i = 0; i < 100; i++)
		deadline_set(&heap, &items[i], 1 + i * 37 % 101);
	for (unsigned i = 0; i < 100; i += 3)
		deadline_set(&heap, &items[i], i % 2 ? USEC_INFINITY : 500 - i);
	for (struct deadline *first; (first = deadline_first(&heap));
	     deadline_set(&heap, first, USEC_INFINITY)) {
		EXPECT(first->at >= last);
		last = first->at;
	}
	deadline_free(&heap);
}

TEST_MAIN
