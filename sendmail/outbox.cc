#include "sendmail/outbox.h"

#include "core/bytes.h"
#include "core/files.h"
#include "core/message_id.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

namespace postern::sendmail {
namespace {

constexpr std::string_view kFirstLine = "postern letter 1";

// The first line of `text`, which loses it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Result<void> read_envelope_line(std::string_view line, Letter& letter) {
  const std::size_t blank = std::min(line.find(' '), line.size());
  const std::string_view name = line.substr(0, blank);
  const std::string_view value = line.substr(std::min(blank + 1, line.size()));
  if (name == "part") {
    const auto part = parse_unsigned(value);
    if (!part || *part > kMaxRecipients + 1) return Error(ErrorCode::Malformed, "a part that is no number");
    letter.part = static_cast<unsigned>(*part);
    return {};
  }
  const bool is_sender = name == "from";
  PathParse path = is_sender ? parse_reverse_path(value, true) : parse_forward_path(value, true);
  if ((!is_sender && name != "to") || path.error || path.consumed != value.size()) {
    return Error(ErrorCode::Malformed, "a line that says nothing: " + escape_for_log(line));
  }
  if (is_sender) {
    letter.sender = std::move(path.mailbox);
  } else {
    letter.recipients.push_back(std::move(*path.mailbox));
  }
  return {};
}

Result<void> write_whole(int descriptor, std::string_view text, const std::filesystem::path& file) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(errno, "write " + file.string());
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(descriptor) != 0) return file_error(errno, "sync " + file.string());
  return {};
}

}  // namespace

std::string encode_letter(const Letter& letter) {
  std::string text(kFirstLine);
  text += "\npart " + std::to_string(letter.part) + "\nfrom " + format_path(letter.sender);
  for (const Mailbox& recipient : letter.recipients) text += "\nto " + format_path(recipient);
  return text + "\n\n" + letter.content;
}

Result<Letter> decode_letter(const std::string& id, std::string_view text) {
  Letter letter;
  letter.id = id;
  if (take_line(text) != kFirstLine) return Error(ErrorCode::Malformed, "it does not begin as a letter does");
  for (;;) {
    if (text.empty()) return Error(ErrorCode::Malformed, "it is cut short");
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    if (const auto read = read_envelope_line(line, letter); !read) return read.error();
  }
  if (letter.recipients.empty()) return Error(ErrorCode::Malformed, "it has no recipient");
  letter.content = text;
  return letter;
}

Result<Outbox> Outbox::open(const std::filesystem::path& spool) {
  const std::filesystem::path folder = spool / std::to_string(::geteuid());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return file_error(errno, "make " + folder.string());
  struct stat facts {};
  if (::lstat(folder.c_str(), &facts) != 0) return file_error(errno, "look at " + folder.string());
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 077) != 0) {
    return Error(ErrorCode::Conflict, folder.string() + " must be a folder of this user's with mode 0700");
  }
  return Outbox(folder);
}

Result<void> Outbox::keep(const Letter& letter) {
  const std::vector<Entry> kept = list();
  std::uint64_t octets = letter.content.size();
  for (const Entry& entry : kept) octets += entry.octets;
  if (kept.size() >= kMaxKeptLetters || octets > kMaxKeptOctets) {
    return Error(ErrorCode::LimitExceeded, folder_.string() + " is full: " + std::to_string(kept.size()) + " letters");
  }
  return write(letter);
}

Result<void> Outbox::replace(const Letter& letter) {
  return write(letter);
}

Result<void> Outbox::write(const Letter& letter) {
  const std::filesystem::path draft = folder_ / (letter.id + ".draft");
  {
    const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return file_error(errno, "write " + draft.string());
    if (const auto written = write_whole(file.get(), encode_letter(letter), draft); !written) {
      ::unlink(draft.c_str());
      return written.error();
    }
  }
  if (::rename(draft.c_str(), file_of(letter.id).c_str()) != 0) return file_error(errno, "name " + file_of(letter.id).string());
  return sync_folder(folder_);
}

std::vector<Outbox::Entry> Outbox::list() const {
  std::vector<Entry> entries;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string ending = file.path().extension();
    struct stat facts {};
    if ((ending != ".letter" && ending != ".refused") || ::lstat(file.path().c_str(), &facts) != 0) continue;
    const auto id = parse_message_id(file.path().stem().string());
    if (!S_ISREG(facts.st_mode) || !id) continue;
    entries.push_back({file.path().stem(), static_cast<std::uint64_t>(facts.st_size), id->created(), ending == ".refused"});
  }
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.written_at, entry.id); });
  return entries;
}

Result<Letter> Outbox::load(const std::string& id) const {
  std::ifstream file(file_of(id), std::ios::binary);
  if (!file) return Error(ErrorCode::NotFound, "read " + file_of(id).string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto letter = decode_letter(id, text);
  if (!letter) return Error(letter.error().code(), file_of(id).string() + ": " + letter.error().context());
  return letter;
}

Result<void> Outbox::remove(const std::string& id) {
  if (::unlink(file_of(id).c_str()) != 0) return file_error(errno, "remove " + file_of(id).string());
  return sync_folder(folder_);
}

Result<void> Outbox::refuse(const std::string& id, const std::string& why) {
  std::ofstream(folder_ / (id + ".why")) << why << "\n";
  if (::rename(file_of(id).c_str(), refused_file_of(id).c_str()) != 0) {
    return file_error(errno, "name " + refused_file_of(id).string());
  }
  return sync_folder(folder_);
}

void Outbox::forget_refused(Instant now) {
  for (const Entry& entry : list()) {
    if (!entry.is_refused || now - entry.written_at < kRefusedFor) continue;
    ::unlink(refused_file_of(entry.id).c_str());
    ::unlink((folder_ / (entry.id + ".why")).c_str());
  }
}

bool Outbox::lock() {
  lock_ = Descriptor(::open((folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  return lock_.is_open() && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace postern::sendmail
