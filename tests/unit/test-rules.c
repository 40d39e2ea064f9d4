/* Directives that are lists of rules: each read from good and bad text, and shown in the one form that is kept. */
#include "test.h"
#include "units/assign.h"

static struct unit_config *config;
static struct failure failure;

static void begin(void)
{
	unit_config_free(config);
	config = unit_config_new("web.service", UNIT_SERVICE);
	EXPECT(config);
}

/* Assigns NAME=VALUE; returns the error's text or NULL. */
static const char *set(const char *name, const char *value)
{
	struct directive_line line = {
		.directive = directive_find("Service", name), .value = value, .config = config};

	EXPECT(line.directive);
	failure = (struct failure){};
	return assign_setting(&line, (struct assign_place){.line = 1}, &failure) < 0 ? failure.text : NULL;
}

static const char *shown(const char *name)
{
	static char text[4096];
	char *printed = directive_print(directive_find("Service", name), config);

	EXPECT(printed);
	snprintf(text, sizeof text, "%s", printed);
	free(printed);
	return text;
}

/* Assigns to a fresh config and shows; "!" for what is refused. */
static const char *once(const char *name, const char *value)
{
	begin();
	return set(name, value) ? "!" : shown(name);
}

static void expect_refused(const char *name, const char *const *values)
{
	for (; *values; values++) {
		begin();
		if (!set(name, *values)) {
			printf("# %s=%s is taken as %s\n", name, *values, shown(name));
			EXPECT(!"a bad value is refused");
		}
		EXPECT(strstr(failure.text, name) == failure.text && failure.error == -EINVAL);
	}
}
#define EXPECT_REFUSED(name, ...) expect_refused((name), (const char *const[]){__VA_ARGS__, NULL})

TEST(device_allow)
{
	EXPECT_TEXT(once("DeviceAllow", "/dev//null"), "\"/dev/null rwm\"");
	EXPECT_TEXT(once("DeviceAllow", "char-pts rw"), "\"char-pts rw\"");
	EXPECT_TEXT(once("DeviceAllow", "block-* m"), "\"block-* m\"");
	begin();
	EXPECT(!set("DeviceAllow", "/dev/a r") && !set("DeviceAllow", "/dev/b w") &&
	       !set("DeviceAllow", "/dev/a r"));
	EXPECT_TEXT(shown("DeviceAllow"), "\"/dev/a r\" \"/dev/b w\"");
	EXPECT(!set("DeviceAllow", ""));
	EXPECT_TEXT(shown("DeviceAllow"), "");
	EXPECT_REFUSED("DeviceAllow", "/etc/passwd r", "null r", "/dev/null x", "/dev/null rr",
		       "/dev/null rwmx", "/dev/null r w", "char- r", "block-", "/dev/../etc/passwd r");
	EXPECT_REFUSED("DevicePolicy", "open", "CLOSED", "1");
}

TEST(nothing_is_left)
{
	config = unit_config_free(config);
}

TEST_MAIN
