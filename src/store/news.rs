//! What servers of one database tell each other: which jobs have changed, and that there is work. Only ids are told;
//! whoever hears of a job reads it from the database.

use std::str::FromStr;

use crate::domain::id::{Id, IdKind};

/// Something that another server did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A job has changed or was deleted.
    Job(Id),
    /// There are new waiting jobs.
    Queued,
    /// There are new due deliveries.
    Deliveries,
    /// Placements were deleted.
    Deleted,
    /// A cluster with deployments has changed, or there are new events.
    Site,
    /// Anything may have happened: news were missed, or cannot be had.
    Anything,
}

/// The longest payload of a notification in PostgreSQL is 8000 bytes.
const LONGEST: usize = 7_900;

const QUEUED: &str = "queued";
const DELIVERIES: &str = "deliveries";
const DELETED: &str = "deleted";
const SITE: &str = "site";
const ANYTHING: &str = "anything";

/// Writes the news of a server as one text: its name, then each item after a space.
pub(super) fn write(server: &str, news: &[News]) -> String {
    let mut text = server.to_owned();
    for item in news {
        text.push(' ');
        text.push_str(match item {
            News::Job(id) => id.as_str(),
            News::Queued => QUEUED,
            News::Deliveries => DELIVERIES,
            News::Deleted => DELETED,
            News::Site => SITE,
            News::Anything => ANYTHING,
        });
    }
    if text.len() <= LONGEST { text } else { format!("{server} {ANYTHING}") }
}

/// Reads the news of other servers. Words of a newer version, which this one does not know, may mean anything.
pub(super) fn read(server: &str, text: &str) -> Vec<News> {
    let mut words = text.split(' ');
    if words.next() == Some(server) {
        return Vec::new();
    }
    words.map(|word| word.parse().unwrap_or(News::Anything)).collect()
}

impl FromStr for News {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            QUEUED => Ok(Self::Queued),
            DELIVERIES => Ok(Self::Deliveries),
            DELETED => Ok(Self::Deleted),
            SITE => Ok(Self::Site),
            word => Id::parse(IdKind::Job, word).map(Self::Job).ok_or(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_hear_what_a_server_tells() {
        let job = |number| Id::new(IdKind::Job, uuid::Uuid::from_u128(number));
        let news = [News::Job(job(1)), News::Queued, News::Deliveries, News::Deleted, News::Site, News::Anything];
        let text = write("a", &news);
        assert_eq!(read("b", &text), news);
        assert_eq!(read("a", &text), []);
        assert_eq!(read("b", "a what-a-newer-version-tells"), [News::Anything]);
        let many: Vec<News> = (0..1000).map(|number| News::Job(job(number))).collect();
        assert_eq!(read("b", &write("a", &many)), [News::Anything]);
    }
}
