/*
 * base/file: which files are trusted.
 */
#include "base/file.h"

#include "test/unit/check.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define STRANGER 54321

static char dir[] = "/tmp/byok-file-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[2][64];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static const char *make(const char *name, const char *text, mode_t mode)
{
    const char *path = in_dir(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static void opens(const char *path, mode_t forbidden)
{
    struct stat info, direct;
    int fd;

    WORKS((fd = byok_file_open(path, forbidden, "test file", &info, &status)) >= 0);
    assert_int_equal(stat(path, &direct), 0);
    assert_true(byok_file_same(&info, &direct));
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

static void refuses(const char *path, mode_t forbidden, int reason)
{
    struct stat info;

    FAILS(reason, byok_file_open(path, forbidden, "test file", &info, &status) >= 0);
    SAYS("test file");
    SAYS(path);
}

static void what_is_there_is_read(void **state)
{
    struct stat info;
    char text[8] = "";
    int fd;

    (void)state;
    WORKS((fd = byok_file_open(make("plain", "words", 0600), BYOK_FILE_PRIVATE, "test file", &info,
                               &status))
          >= 0);
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_string_equal(text, "words");
    assert_int_equal(info.st_size, 5);
    assert_int_equal(write(fd, "x", 1), -1);
    close(fd);
}

static void modes_are_checked(void **state)
{
    const char *path = make("mode", "x", 0600);
    mode_t mode;

    (void)state;
    for (mode = 0400; mode < 01000; mode++) {
        if ((mode & 0400) == 0)
            continue; /* not root may not open it at all */
        assert_int_equal(chmod(path, mode), 0);
        if (mode & 022)
            refuses(path, BYOK_FILE_NOT_WRITABLE, BYOK_R_BAD_PERMISSIONS);
        else
            opens(path, BYOK_FILE_NOT_WRITABLE);
        if (mode & 077)
            refuses(path, BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
        else
            opens(path, BYOK_FILE_PRIVATE);
    }
    assert_int_equal(chmod(path, 0640), 0);
    refuses(path, BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    SAYS("0640");
    SAYS("chmod 0600");
}

static void a_strangers_file_is_refused(void **state)
{
    const char *path = make("stranger", "x", 0600);

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, STRANGER, 0), 0);
    refuses(path, BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    SAYS("54321");
    assert_int_equal(chown(path, 0, STRANGER), 0); /* a group owns nothing */
    opens(path, BYOK_FILE_PRIVATE);
}

/* As another user: 0 when the file opens, else the reason, counted from 100. */
static int open_as_stranger(void *path)
{
    struct byok_status inner = BYOK_STATUS_INIT;
    struct stat info;

    if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
        return 255;
    return byok_file_open(path, BYOK_FILE_NOT_WRITABLE, "test file", &info, &inner) >= 0
               ? 0
               : inner.reason;
}

static void roots_file_is_trusted_by_all(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(dir, 0755), 0);
    CHILD_RETURNS(0, open_as_stranger, (void *)make("roots", "x", 0644));
    CHILD_RETURNS(BYOK_R_BAD_PERMISSIONS, open_as_stranger, (void *)make("secret", "x", 0600));
    assert_int_equal(chown(make("own", "x", 0600), STRANGER, STRANGER), 0);
    CHILD_RETURNS(0, open_as_stranger, (void *)in_dir("own"));
    assert_int_equal(chown(make("third", "x", 0644), STRANGER + 1, STRANGER), 0);
    CHILD_RETURNS(BYOK_R_BAD_PERMISSIONS, open_as_stranger, (void *)in_dir("third"));
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    refuses(in_dir("missing"), BYOK_FILE_PRIVATE, BYOK_R_NOT_FOUND);
    make("plain", "x", 0600);
    refuses(in_dir("plain/below"), BYOK_FILE_PRIVATE, BYOK_R_NOT_FOUND);
    refuses(in_dir("missing/below"), BYOK_FILE_PRIVATE, BYOK_R_NOT_FOUND);
}

static void a_link_is_followed(void **state)
{
    const char *link = in_dir("link"), *target = make("target", "x", 0600);

    (void)state;
    assert_int_equal(symlink(target, link), 0);
    opens(link, BYOK_FILE_PRIVATE);
    assert_int_equal(chmod(target, 0644), 0); /* what counts is the file, not the link */
    refuses(link, BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    assert_int_equal(unlink(target), 0);
    refuses(link, BYOK_FILE_PRIVATE, BYOK_R_NOT_FOUND);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(link, link), 0);
    refuses(link, BYOK_FILE_PRIVATE, BYOK_R_UNAVAILABLE);
}

static void only_regular_files_will_do(void **state)
{
    struct sockaddr_un address = {AF_UNIX, ""};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    alarm(20); /* in place of hanging on the FIFO */
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    refuses(in_dir("fifo"), BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    alarm(0);
    assert_int_equal(symlink("fifo", in_dir("link-to-fifo")), 0);
    refuses(in_dir("link-to-fifo"), BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    assert_int_equal(mkdir(in_dir("folder"), 0700), 0);
    refuses(in_dir("folder"), BYOK_FILE_PRIVATE, BYOK_R_BAD_PERMISSIONS);
    refuses("/dev/null", BYOK_FILE_NOT_WRITABLE, BYOK_R_BAD_PERMISSIONS);
    strcpy(address.sun_path, in_dir("socket"));
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refuses(in_dir("socket"), BYOK_FILE_NOT_WRITABLE, BYOK_R_UNAVAILABLE);
    close(fd);
}

static void sameness_looks_at_every_field(void **state)
{
    struct stat info, other;

    (void)state;
    assert_int_equal(stat(make("same", "x", 0600), &info), 0);
    other = info;
    other.st_atim.tv_sec++; /* reading changes nothing */
    other.st_nlink++;
    assert_true(byok_file_same(&info, &other));
#define DIFFERS(field)                                                                             \
    do {                                                                                           \
        other = info;                                                                              \
        other.field ^= 1;                                                                          \
        assert_false(byok_file_same(&info, &other));                                               \
        assert_false(byok_file_same(&other, &info));                                               \
    } while (0)
    DIFFERS(st_dev);
    DIFFERS(st_ino);
    DIFFERS(st_size);
    DIFFERS(st_mode);
    DIFFERS(st_uid);
    DIFFERS(st_mtim.tv_sec);
    DIFFERS(st_mtim.tv_nsec);
    DIFFERS(st_ctim.tv_sec);
    DIFFERS(st_ctim.tv_nsec);
}

static int up(void **state)
{
    (void)state;
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_read),
        cmocka_unit_test(modes_are_checked),
        cmocka_unit_test(a_strangers_file_is_refused),
        cmocka_unit_test(roots_file_is_trusted_by_all),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_link_is_followed),
        cmocka_unit_test(only_regular_files_will_do),
        cmocka_unit_test(sameness_looks_at_every_field),
    };

    return cmocka_run_group_tests(tests, up, down);
}
