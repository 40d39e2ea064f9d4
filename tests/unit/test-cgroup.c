/* The control group tree, in a group of our own below the machine's cgroup2 mount; skipped where that cannot
 * be written. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"
#include "tests/unit/test.h"

static struct spec_limits limits;
static const struct cgroup_wish wish = {
	.limits = &limits, .memory_min = SPEC_UNSET, .memory_low = SPEC_UNSET, .delegate_to = (uid_t)-1};
static char *own_group, *root;

/* Opens a tree in a new directory; the case is skipped when there can be none. Moves this process into it. */
static void open_tree(struct cgroup_tree *tree)
{
	struct failure failure = {};
	bool real_root;

	limits = spec_limits_default;
	if (geteuid() != 0 || cgroup_find_own(&own_group, &real_root) < 0)
		SKIP("no cgroup2 of ours to write");
	root = text_format("%s/test-cgroup.%d", own_group, (int)getpid());
	if (cgroup_tree_open(tree, root, 0, &failure) < 0) {
		rmdir(root);
		SKIP("no writable cgroup2");
	}
}

static void close_tree(struct cgroup_tree *tree)
{
	_cleanup_free_ char *procs = text_format("%s/cgroup.procs", own_group);

	EXPECT(fd_write_file_at(AT_FDCWD, procs, "0") == 0);
	EXPECT(cgroup_remove(tree, "") == 0);
	cgroup_tree_close(tree);
	EXPECT(rmdir(root) == 0);
	text_set(&root, NULL);
	text_set(&own_group, NULL);
}

/* A case that failed leaves its group behind. */
__attribute__((destructor)) static void remove_left_behind(void)
{
	struct cgroup_tree tree = {.root_fd = root ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1};
	_cleanup_free_ char *procs = own_group ? text_format("%s/cgroup.procs", own_group) : NULL;

	if (tree.root_fd < 0 || !procs)
		return;
	fd_write_file_at(AT_FDCWD, procs, "0");
	cgroup_remove(&tree, "");
	rmdir(root);
}

static pid_t start_sleeper(int group_fd)
{
	pid_t pid = fork();
	char text[16];

	if (pid == 0) {
		pause();
		_exit(0);
	}
	EXPECT(pid > 0);
	snprintf(text, sizeof(text), "%d", (int)pid);
	EXPECT(fd_write_file_at(group_fd, "cgroup.procs", text) == 0);
	return pid;
}

static bool wait_for_freezer(const struct cgroup_tree *tree, const char *path, enum cgroup_freezer state)
{
	for (int i = 0; i < 1000 && cgroup_freezer(tree, path) != state; i++)
		usleep(10000);
	return cgroup_freezer(tree, path) == state;
}

TEST(needed_controllers)
{
	limits = spec_limits_default;
	EXPECT(cgroup_needed(&wish) == 0);
	limits.memory_max = 1 << 20;
	limits.tasks_max = SPEC_LIMIT_MAX;
	EXPECT(cgroup_needed(&wish) == (CGROUP_MEMORY | CGROUP_PIDS));
}

TEST(first_limit)
{
	limits = spec_limits_default;
	EXPECT(cgroup_first_limit(&wish) == PROGRAM_NO_ORIGIN);
	limits.tasks_max = 10;
	EXPECT(cgroup_first_limit(&wish) == SPEC_LIMITS_ORIGIN(tasks_max));
	limits.memory_high = SPEC_LIMIT_MAX;
	EXPECT(cgroup_first_limit(&wish) == SPEC_LIMITS_ORIGIN(memory_high));
}

TEST(controllers_are_parsed)
{
	EXPECT(cgroup_parse_controllers("cpu memory unknown pids\n") ==
	       (CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS));
	EXPECT(cgroup_parse_controllers("\n") == 0);
}

TEST(a_group_lives_and_is_killed)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct cgroup_tree tree;
	struct failure failure = {};
	size_t n = 0;
	int fd, status = 0;
	pid_t pid;

	open_tree(&tree);
	fd = cgroup_make(&tree, "a.slice/b.service", &wish, &failure, NULL);
	EXPECT(fd >= 0);
	EXPECT(cgroup_populated(&tree, "a.slice") == 0);
	pid = start_sleeper(fd);
	EXPECT(cgroup_populated(&tree, "a.slice") == 1);
	EXPECT(cgroup_processes(&tree, "a.slice", &pids, &n) == 0 && n == 1 && pids[0] == pid);
	EXPECT(cgroup_remove(&tree, "a.slice/b.service") == -EBUSY);
	EXPECT(cgroup_freezer(&tree, "a.slice/b.service") == CGROUP_RUNNING);
	EXPECT(cgroup_freeze(&tree, "a.slice/b.service", true) == 0);
	EXPECT(wait_for_freezer(&tree, "a.slice/b.service", CGROUP_FROZEN));
	EXPECT(cgroup_freezer(&tree, "a.slice") == CGROUP_RUNNING);
	EXPECT(cgroup_freeze(&tree, "a.slice/b.service", false) == 0);
	EXPECT(wait_for_freezer(&tree, "a.slice/b.service", CGROUP_RUNNING));
	EXPECT(cgroup_freezer(&tree, "a.slice/none.service") == CGROUP_RUNNING);
	EXPECT(cgroup_signal(&tree, "a.slice", 0, pid) == 0);
	EXPECT(cgroup_signal(&tree, "a.slice", 0, 0) == 1);
	EXPECT(cgroup_kill(&tree, "a.slice") == 0);
	EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(fd);
	EXPECT(cgroup_remove(&tree, "a.slice") == 0);
	EXPECT(cgroup_remove(&tree, "a.slice") == 0);
	EXPECT(cgroup_kill(&tree, "a.slice") == -ENOENT);
	close_tree(&tree);
}

TEST(a_limit_without_its_controller_is_refused)
{
	struct cgroup_tree tree;
	struct failure failure = {};
	uint32_t origin = 0;

	open_tree(&tree);
	if (tree.controllers & CGROUP_MEMORY) {
		close_tree(&tree);
		SKIP("the memory controller is there");
	}
	limits.memory_max = 1 << 20;
	EXPECT(cgroup_make(&tree, "a.service", &wish, &failure, &origin) == -EOPNOTSUPP);
	EXPECT(origin == SPEC_LIMITS_ORIGIN(memory_max));
	EXPECT(text_starts_with(failure.text, "the memory controller is not available in "));
	EXPECT(text_ends_with(failure.text, "/a.service: MemoryMax= cannot be enforced"));
	close_tree(&tree);
}

TEST(paths_stay_below_the_root)
{
	static const char *const paths[] = {"",	  "..",	     "../x",	"/x",	       "a//b",
					    "a/", ".hidden", "a/../..", "cgroup.procs"};
	struct cgroup_tree tree;
	struct failure failure = {};

	open_tree(&tree);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		EXPECT(cgroup_make(&tree, paths[i], &wish, &failure, NULL) == -EINVAL);
	EXPECT(cgroup_open(&tree, "..") < 0);
	EXPECT(cgroup_remove(&tree, "../x") < 0);
	close_tree(&tree);
}

TEST(a_tree_elsewhere_is_refused)
{
	struct cgroup_tree tree;
	struct failure failure = {};

	EXPECT(cgroup_tree_open(&tree, "/tmp", 0, &failure) == -ENOTSUP);
	EXPECT(tree.root_fd == -1);
	EXPECT(cgroup_make(&tree, "a", &wish, &failure, NULL) == -ENOENT);
}

TEST(usage)
{
	struct cgroup_usage usage;
	struct failure failure = {};
	struct cgroup_tree tree;
	int fd;

	open_tree(&tree);
	fd = cgroup_make(&tree, "a.service", &wish, &failure, NULL);
	EXPECT(fd >= 0);
	EXPECT(cgroup_read_usage(&tree, "a.service", &usage) == 0);
	EXPECT(cgroup_read_usage(&tree, "b.service", &usage) == -ENOENT);
	close(fd);
	close_tree(&tree);
}

TEST_MAIN
