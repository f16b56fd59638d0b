#include "core/time_format.h"

#include "core/bytes.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace postern {
namespace {

std::tm utc_fields(Instant instant) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count();
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  return fields;
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
  const std::tm f = utc_fields(instant);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", f.tm_year + 1900, f.tm_mon + 1, f.tm_mday, f.tm_hour,
                f.tm_min, f.tm_sec);
  return text;
}

std::string format_rfc5322_date(Instant instant) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm f = utc_fields(instant);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d +0000", kDays[f.tm_wday], f.tm_mday, kMonths[f.tm_mon],
                f.tm_year + 1900, f.tm_hour, f.tm_min, f.tm_sec);
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
