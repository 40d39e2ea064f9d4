/* svc-init's table of children, its pools, and the check that keeps it from ending a machine that is not its
 * own. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "init/init.h"
#include "tests/unit/test.h"

static struct launch_id id(unsigned n)
{
	struct launch_id result = {};

	memcpy(result.bytes, &n, sizeof n);
	return result;
}

static struct children *table(void)
{
	static struct children children;

	children = (struct children){};
	EXPECT(children_init(&children) == 0);
	return &children;
}

TEST(a_pool_reuses_and_ends)
{
	struct pool pool;

	EXPECT(pool_init(&pool, 8, 4) == 0);
	EXPECT(pool_new(&pool) == 1 && pool_new(&pool) == 2 && pool_new(&pool) == 3);
	EXPECT(pool_new(&pool) == 0);
	memset(pool_get(&pool, 2), 0xff, 8);
	pool_free(&pool, 2);
	pool_free(&pool, 1);
	EXPECT(pool_new(&pool) == 1 && pool_new(&pool) == 2);
	EXPECT(*(uint64_t *)pool_get(&pool, 2) == 0);
	EXPECT(pool_new(&pool) == 0);
}

TEST(children_are_found_by_id_and_pid)
{
	struct children *children = table();

	/* Ids and pids that share a bucket. */
	for (unsigned i = 0; i < 3; i++) {
		struct launch_id launch = id(7 + i * CHILDREN_N_BUCKETS);
		struct child *child = children_add(children, &launch);

		EXPECT(child);
		children_set_pid(children, child, (pid_t)(100 + i * CHILDREN_N_BUCKETS));
	}
	for (unsigned i = 0; i < 3; i++) {
		struct launch_id launch = id(7 + i * CHILDREN_N_BUCKETS);
		struct child *child = children_find(children, &launch);

		EXPECT(child && children_find_pid(children, (pid_t)(100 + i * CHILDREN_N_BUCKETS)) == child);
		EXPECT(!children_add(children, &launch) && errno == EEXIST);
		EXPECT(children_at(children, children_index(children, child)) == child);
	}
	EXPECT(!children_find_pid(children, 101));
	children_remove(children, children_find_pid(children, 100 + CHILDREN_N_BUCKETS));
	EXPECT(!children_find_pid(children, 100 + CHILDREN_N_BUCKETS));
	EXPECT(children_find_pid(children, 100) && children_find_pid(children, 100 + 2 * CHILDREN_N_BUCKETS));
}

TEST(a_reaped_pid_is_forgotten_but_told)
{
	struct children *children = table();
	struct launch_id launch = id(1);
	struct child *child = children_add(children, &launch);
	struct launch_record record;

	children_set_pid(children, child, 50);
	children_set_pid(children, child, 0);
	EXPECT(!children_find_pid(children, 50));
	children_describe(children, child, &record, NULL);
	EXPECT(record.pid == 50);
}

TEST(the_table_is_full_and_empty_again)
{
	struct children *children = table();
	unsigned n = 0;
	struct launch_id launch;

	for (;; n++) {
		launch = id(n);
		if (!children_add(children, &launch))
			break;
	}
	EXPECT(errno == ENOSPC && n == CHILDREN_LIMIT - 1);
	for (unsigned i = 0; i < n; i++) {
		launch = id(i);
		EXPECT(children_find(children, &launch));
		children_remove(children, children_find(children, &launch));
		EXPECT(!children_find(children, &launch));
	}
	launch = id(5);
	EXPECT(children_add(children, &launch));
}

TEST(changes_are_told_once_and_in_order)
{
	struct children *children = table();
	struct child *child[4];

	for (unsigned i = 0; i < 4; i++) {
		struct launch_id launch = id(i);

		child[i] = children_add(children, &launch);
		children_mark_changed(children, child[i]);
		children_mark_changed(children, child[0]);
	}
	children_remove(children, child[1]);
	EXPECT(children_first_changed(children) == child[0]);
	children_unmark_changed(children, child[0]);
	EXPECT(children_first_changed(children) == child[2]);
	children_unmark_changed(children, child[3]);
	children_mark_changed(children, child[0]);
	children_unmark_changed(children, child[2]);
	EXPECT(children_first_changed(children) == child[0]);
	children_unmark_changed(children, child[0]);
	EXPECT(!children_first_changed(children));
	children_mark_changed(children, child[3]);
	EXPECT(children_first_changed(children) == child[3]);
}

TEST(held_descriptors_are_limited_and_closed)
{
	struct children *children = table();
	struct launch_id launch = id(1);
	struct child *child = children_add(children, &launch);
	struct launch_record record;
	static const char name[LAUNCH_NAME_MAX] = "name";
	int fds[LAUNCH_MAX_HELD], one_more;

	for (int i = 0; i < LAUNCH_MAX_HELD; i++)
		EXPECT(children_hold(children, child, open("/dev/null", O_RDONLY), name) == 0);
	one_more = open("/dev/null", O_RDONLY);
	EXPECT(children_hold(children, child, one_more, name) == -ENOSPC);
	EXPECT(fcntl(one_more, F_GETFD) < 0);
	children_describe(children, child, &record, fds);
	EXPECT(record.n_held == LAUNCH_MAX_HELD);
	EXPECT_TEXT(record.held_names[LAUNCH_MAX_HELD - 1], "name");
	EXPECT(fcntl(fds[0], F_GETFD) >= 0);
	children_remove(children, child);
	for (int i = 0; i < LAUNCH_MAX_HELD; i++)
		EXPECT(fcntl(fds[i], F_GETFD) < 0);
}

static const struct machine_facts booted = {.pid = 1,
					    .is_nsfs = true,
					    .pid_namespace = 0xEFFFFFFC,
					    .user_namespace = 0xEFFFFFFD,
					    .may_boot = true};

TEST(only_the_init_of_a_booted_machine_may_end_it)
{
	struct machine_facts facts = booted;

	EXPECT(machine_is_ours(&facts));
	facts.pid = 2;
	EXPECT(!machine_is_ours(&facts));
	facts = booted;
	facts.pid_namespace = 4026532001; /* PID 1 of a container */
	EXPECT(!machine_is_ours(&facts));
	facts = booted;
	facts.user_namespace = 4026532001;
	EXPECT(!machine_is_ours(&facts));
	facts = booted;
	facts.is_nsfs = false; /* a file that only has the number */
	EXPECT(!machine_is_ours(&facts));
	facts = booted;
	facts.may_boot = false;
	EXPECT(!machine_is_ours(&facts));
	EXPECT(!machine_is_ours(&(struct machine_facts){}));
}

TEST(this_test_is_no_machine)
{
	struct machine_facts facts;

	machine_facts(&facts);
	EXPECT(facts.pid == getpid());
	EXPECT(!machine_is_ours(&facts));
}

TEST_MAIN
