#include "core/files.h"

#include "core/descriptor.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace postern {
namespace {

// For people: by name where the machine knows one.
std::string user_words(uid_t user) {
  std::array<char, 4096> buffer{};
  passwd facts{};
  passwd* found = nullptr;
  const int code = ::getpwuid_r(user, &facts, buffer.data(), buffer.size(), &found);
  return code == 0 && found != nullptr ? std::string(found->pw_name) : "user " + std::to_string(user);
}

}  // namespace

bool is_no_room(int code) { return code == ENOSPC || code == EDQUOT || code == EFBIG; }

Error file_error(int code, std::string_view attempt) {
  std::array<char, 256> words{};
  return Error(is_no_room(code) ? ErrorCode::StorageFull : ErrorCode::IoError,
               std::string(attempt) + ": " + ::strerror_r(code, words.data(), words.size()));
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor entries(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!entries.is_open()) return file_error(errno, "open " + folder.string());
  if (::fsync(entries.get()) != 0) return file_error(errno, "sync " + folder.string());
  return {};
}

Result<void> make_folder(const std::filesystem::path& folder, mode_t mode) {
  const std::filesystem::path parent = whole_path(folder).parent_path();
  int code = ::mkdir(folder.c_str(), mode) == 0 ? 0 : errno;
  if (code == EEXIST) return {};
  if (code == ENOENT && parent != folder) {
    if (Result<void> made = make_folder(parent, 0777); !made) return made;
    code = ::mkdir(folder.c_str(), mode) == 0 ? 0 : errno;
    if (code == EEXIST) return {};
  }
  if (code != 0) return file_error(code, "make " + folder.string());
  if (Result<void> given = give_to_folder_owner(folder); !given) return given;
  return sync_folder(parent);
}

std::filesystem::path whole_path(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool has_content(const std::filesystem::path& file) {
  struct stat facts {};
  return ::stat(file.c_str(), &facts) == 0 && facts.st_size > 0;
}

Result<void> give_to_folder_owner(const std::filesystem::path& path) {
  struct stat folder {};
  struct stat file {};
  if (::geteuid() != 0 || ::stat(whole_path(path).parent_path().c_str(), &folder) != 0 || folder.st_uid == 0) return {};
  if (::lstat(path.c_str(), &file) != 0 || file.st_uid != 0) return {};
  if (::lchown(path.c_str(), folder.st_uid, folder.st_gid) == 0) return {};
  return file_error(errno, "give " + path.string() + " to " + user_words(folder.st_uid));
}

Error open_error(int code, std::string_view attempt, const std::filesystem::path& folder,
                 std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::filesystem::path path = name.empty() ? folder : folder / name;
    const int wanted = name.empty() ? R_OK | W_OK | X_OK : R_OK | W_OK;
    struct stat facts {};
    if (code != EACCES || ::faccessat(AT_FDCWD, path.c_str(), wanted, AT_EACCESS) == 0 || errno != EACCES) continue;
    const std::string owner = ::stat(path.c_str(), &facts) == 0 ? "it belongs to " + user_words(facts.st_uid) : "so is its folder";
    return Error(ErrorCode::IoError, "open " + path.string() + ": not allowed to " + user_words(::geteuid()) + ": " + owner +
                                         "; run this as the owner of the store, or give the file to the service's user");
  }
  return file_error(code, attempt);
}

}  // namespace postern
