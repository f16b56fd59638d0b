#include "core/time_format.h"

#include "core/bytes.h"

#include <array>

namespace postern {
namespace {

// A date and a time of day, which become text digit by digit: each message has several of them.
struct UtcTime {
  explicit UtcTime(Instant instant)
      : midnight(std::chrono::floor<std::chrono::days>(instant)),
        date(midnight),
        time(std::chrono::floor<std::chrono::seconds>(instant - midnight)) {}

  unsigned year() const { return static_cast<unsigned>(static_cast<int>(date.year())); }
  unsigned month() const { return static_cast<unsigned>(date.month()); }
  unsigned day() const { return static_cast<unsigned>(date.day()); }

  std::chrono::sys_days midnight;
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;
};

void append_two_digits(std::string& out, unsigned value) {
  out.push_back(static_cast<char>('0' + value / 10 % 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

void append_year(std::string& out, unsigned year) {
  append_two_digits(out, year / 100);
  append_two_digits(out, year % 100);
}

void append_time(std::string& out, const UtcTime& at) {
  append_two_digits(out, static_cast<unsigned>(at.time.hours().count()));
  out.push_back(':');
  append_two_digits(out, static_cast<unsigned>(at.time.minutes().count()));
  out.push_back(':');
  append_two_digits(out, static_cast<unsigned>(at.time.seconds().count()));
}

// Two or four digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  const auto value = parse_unsigned(text.substr(at, count));
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

struct Unit {
  char letter;
  std::chrono::seconds length;
};
constexpr std::array<Unit, 4> kUnits = {{{'d', std::chrono::hours(24)},
                                         {'h', std::chrono::hours(1)},
                                         {'m', std::chrono::minutes(1)},
                                         {'s', std::chrono::seconds(1)}}};

}  // namespace

std::string format_rfc3339(Instant instant) {
  const UtcTime at(instant);
  std::string text;
  text.reserve(20);
  append_year(text, at.year());
  text.push_back('-');
  append_two_digits(text, at.month());
  text.push_back('-');
  append_two_digits(text, at.day());
  text.push_back('T');
  append_time(text, at);
  text.push_back('Z');
  return text;
}

std::string format_rfc5322_date(Instant instant) {
  static constexpr const char* kDays[] = {"Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "};
  static constexpr const char* kMonths[] = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                                            " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
  const UtcTime at(instant);
  std::string text;
  text.reserve(32);
  text.append(kDays[std::chrono::weekday(at.midnight).c_encoding()]);
  append_two_digits(text, at.day());
  text.append(kMonths[at.month() - 1]);
  append_year(text, at.year());
  text.push_back(' ');
  append_time(text, at);
  text.append(" +0000");
  return text;
}

Result<Instant> parse_rfc3339(std::string_view text) {
  const Error malformed(ErrorCode::Malformed, "a time is written 2026-11-21 or 2026-11-21T09:30:00Z");
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return malformed;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return malformed;
  const Instant midnight{std::chrono::sys_days(date)};
  if (text.size() == 10) return midnight;

  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const bool has_form = text.size() == 20 && text[10] == 'T' && text[13] == ':' && text[16] == ':' && text[19] == 'Z';
  if (!has_form || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return malformed;
  return midnight + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

namespace {

// "Z", "+02:00", "-05:30".
std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  const auto hours = digits(text, 1, 2);
  const auto minutes = digits(text, 4, 2);
  const bool has_form = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
  if (!has_form || !hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

Result<Instant> parse_date_time(std::string_view text) {
  const Error malformed(ErrorCode::Malformed, "a time is written 2026-11-21T09:30:00Z or 2026-11-21T11:30:00+02:00");
  constexpr std::size_t kToSeconds = 19;
  if (text.size() <= kToSeconds || (text[10] != 'T' && text[10] != 't')) return malformed;
  const auto plain = parse_rfc3339(std::string(text.substr(0, 10)) + 'T' + std::string(text.substr(11, 8)) + 'Z');
  if (!plain) return malformed;
  std::size_t end = kToSeconds;
  if (text[end] == '.') {
    // Nobody waits for a part of a second.
    const std::size_t digit = ++end;
    while (end < text.size() && is_ascii_digit(text[end])) ++end;
    if (end == digit) return malformed;
  }
  const auto offset = parse_offset(text.substr(end));
  if (!offset) return malformed;
  return *plain - *offset;
}

Result<Duration> parse_duration(std::string_view text) {
  const Error malformed(ErrorCode::Malformed, "a duration is a number and a unit: 90s, 15m, 12h, 30d");
  if (text.size() < 2) return malformed;
  const auto count = parse_unsigned(text.substr(0, text.size() - 1));
  constexpr std::uint64_t kLongest = 100ULL * 366 * 24 * 3600;  // a century in seconds: no overflow below
  for (const Unit& unit : kUnits) {
    if (unit.letter != text.back()) continue;
    if (!count || *count > kLongest / static_cast<std::uint64_t>(unit.length.count())) return malformed;
    return Duration(unit.length * static_cast<std::int64_t>(*count));
  }
  return malformed;
}

std::string format_duration(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  for (const Unit& unit : kUnits) {
    if (seconds.count() != 0 && seconds % unit.length == std::chrono::seconds(0)) {
      return std::to_string(seconds / unit.length) + unit.letter;
    }
  }
  return "0s";
}

}  // namespace postern
