/* Credentials as text: escapes, Base64, secrets; and what of them is shown. */
#include <string.h>

#include "base/base64.h"
#include "engine/credential.h"
#include "tests/unit/test.h"

static struct failure failure;

/* As hexadecimal; "!" for what is refused. */
static const char *hex(int r, char *data, size_t size)
{
	static char text[1024];

	if (r < 0)
		return "!";
	*text = '\0';
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", (unsigned char)data[i]);
	free(data);
	return text;
}

static const char *unescaped(const char *value)
{
	char *data;
	size_t size;
	int r = credential_unescape(value, &data, &size);

	return hex(r, data, size);
}

static const char *decoded(const char *value)
{
	char *data;
	size_t size;
	int r = base64_decode(value, &data, &size);

	return hex(r, data, size);
}

TEST(escapes)
{
	EXPECT_TEXT(unescaped(""), "");
	EXPECT_TEXT(unescaped("a b"), "612062");
	EXPECT_TEXT(unescaped("\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\s"), "07080c0a0d090b5c222720");
	EXPECT_TEXT(unescaped("\\x00\\xfF\\101"), "00ff41");
	EXPECT_TEXT(unescaped("\\u00fc\\U0001f512"), "c3bcf09f9492");
	EXPECT_TEXT(unescaped("\\"), "!");
	EXPECT_TEXT(unescaped("\\q"), "!");
	EXPECT_TEXT(unescaped("\\x4"), "!");
	EXPECT_TEXT(unescaped("\\400"), "!");
	EXPECT_TEXT(unescaped("\\ud800"), "!");
	EXPECT_TEXT(unescaped("\\U00110000"), "!");
}

TEST(base64)
{
	EXPECT_TEXT(decoded(""), "");
	EXPECT_TEXT(decoded("YQ=="), "61");
	EXPECT_TEXT(decoded("YWI="), "6162");
	EXPECT_TEXT(decoded("YW\n Jj"), "616263");
	EXPECT_TEXT(decoded("+/8="), "fbff");
	EXPECT_TEXT(decoded("Y"), "!");
	EXPECT_TEXT(decoded("Y==="), "!");
	EXPECT_TEXT(decoded("YQ==YQ=="), "!");
	EXPECT_TEXT(decoded("Y!=="), "!");
}

TEST(names)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "a:b", "a b", "a\n", "\xff"};

	EXPECT(credential_name_valid("a"));
	EXPECT(credential_name_valid("..a-b_c.1*"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!credential_name_valid(bad[i]) || strcmp(bad[i], "\xff") == 0);
}

TEST(secrets)
{
	static const char *const bad[] = {"",
					  "a/b",
					  "a,",
					  "a,type",
					  "a,type=",
					  "a,type=disk",
					  "a,uid=4294967295",
					  "a,uid=-1",
					  "a,uid=x",
					  "a,mode=8",
					  "a,mode=10000",
					  "a,target=",
					  "a,target=b/c",
					  "a,target=/",
					  "a,target=/b/",
					  "a,target=/b/../c",
					  "a,target=//b",
					  "a,other=1",
					  "a,typ=env",
					  "a-b,type=env",
					  "a,type=env,target=1b"};
	struct credential_secret secret = {};

	EXPECT(credential_read_secret("db", &secret, &failure) == 0);
	EXPECT_TEXT(secret.target, "db");
	EXPECT(!secret.environment && secret.uid == 0 && secret.gid == 0 && secret.mode == 0444);
	credential_secret_deinit(&secret);
	EXPECT(credential_read_secret("db,target=/etc/x/key,uid=33,gid=4,mode=0440", &secret, &failure) == 0);
	EXPECT_TEXT(secret.target, "/etc/x/key");
	EXPECT(secret.uid == 33 && secret.gid == 4 && secret.mode == 0440);
	credential_secret_deinit(&secret);
	EXPECT(credential_read_secret("db,target=KEY,type=env", &secret, &failure) == 0);
	EXPECT_TEXT(secret.name, "db");
	EXPECT_TEXT(secret.target, "KEY");
	EXPECT(secret.environment);
	credential_secret_deinit(&secret);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(credential_read_secret(bad[i], &secret, &failure) < 0);
}

TEST_MAIN
