/* The order of mounts, and what is left out. */
#include "engine/mountplan.h"
#include "tests/unit/test.h"

static struct spec spec;
static struct compile_command command;
static struct compile_context context;
static struct failure failure;
static struct build build;
static struct mountplan plan;

static void begin(void)
{
	spec_init(&spec);
	build = (struct build){.spec = &spec,
			       .command = &command,
			       .context = &context,
			       .failure = &failure,
			       .root = BUILD_ROOT_IN_PLACE};
	plan = (struct mountplan){};
}

static void end(void)
{
	mountplan_deinit(&plan);
	build_deinit(&build);
	spec_deinit(&spec);
}

/* "KIND TARGET, …" with kinds as letters. */
static const char *arranged(void)
{
	static const char letters[] = "btpsckqdTIlKnxwrm";
	static char text[1024];

	*text = '\0';
	EXPECT(mountplan_arrange(&plan, &build) == 0);
	for (size_t i = 0; i < plan.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%c %s", i ? ", " : "",
			 letters[plan.entries[i].kind], plan.entries[i].target);
	return text;
}

TEST(parents_come_first)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a-b");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a/b/c");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a/b");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/a/b");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a");
	EXPECT_TEXT(arranged(), "r /, t /a, t /a/b, r /a/b, t /a/b/c, t /a-b");
	end();
}

TEST(the_stricter_property_stays)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, "/a");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/a");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/a");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/b");
	mountplan_add(&plan, &build, MOUNTPLAN_MASK, "/b");
	mountplan_add(&plan, &build, MOUNTPLAN_NO_EXEC, "/c");
	mountplan_add(&plan, &build, MOUNTPLAN_EXEC, "/c");
	EXPECT_TEXT(arranged(), "r /a, m /b, n /c");
	end();
}

TEST(of_two_masks_the_stricter_stays)
{
	begin();
	BUILD_ORIGIN(&build, inaccessible_paths);
	mountplan_add(&plan, &build, MOUNTPLAN_MASK, "/a")->flags = PROGRAM_MASK_NO_ACCESS;
	BUILD_ORIGIN(&build, mask);
	mountplan_add(&plan, &build, MOUNTPLAN_MASK, "/a")->flags = PROGRAM_OPTIONAL;
	EXPECT_TEXT(arranged(), "m /a");
	EXPECT(plan.entries[0].flags == PROGRAM_MASK_NO_ACCESS);
	end();
}

TEST(exceptions_without_a_rule_are_dropped)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, "/a");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/b");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, "/b/c");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, "/b/c/d");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/b/e");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, "/b/e/f");
	EXPECT_TEXT(arranged(), "r /b, w /b/c, t /b/e");
	end();
}

TEST(below_a_mask_there_is_nothing_to_do)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_MASK, "/a");
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/a/b");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a/c")->implied = true;
	EXPECT_TEXT(arranged(), "m /a");
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/a/d");
	EXPECT(mountplan_arrange(&plan, &build) == -EINVAL);
	end();
}

TEST(an_explicit_mount_replaces_an_implied_one)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/tmp")->implied = true;
	mountplan_add(&plan, &build, MOUNTPLAN_BIND, "/tmp")->source = "/x";
	mountplan_add(&plan, &build, MOUNTPLAN_BIND, "/tmp")->source = "/x";
	EXPECT_TEXT(arranged(), "b /tmp");
	mountplan_add(&plan, &build, MOUNTPLAN_BIND, "/tmp")->source = "/y";
	EXPECT(mountplan_arrange(&plan, &build) == -EEXIST);
	end();
}

TEST(the_root_is_no_mount_point)
{
	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_TMPFS, "/");
	EXPECT(mountplan_arrange(&plan, &build) == -EINVAL);
	end();
}

TEST(too_many_exceptions)
{
	static char targets[40][16];

	begin();
	mountplan_add(&plan, &build, MOUNTPLAN_READ_ONLY, "/");
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		snprintf(targets[i], sizeof(targets[i]), "/rw%zu", i);
		mountplan_add(&plan, &build, MOUNTPLAN_READ_WRITE, targets[i]);
	}
	EXPECT(mountplan_arrange(&plan, &build) == 0);
	EXPECT(mountplan_emit(&plan, &build) == -E2BIG);
	end();
}

TEST_MAIN
