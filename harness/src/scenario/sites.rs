//! Replicas by name: `*`, ids, and the sites that a file names.

use std::collections::BTreeMap;

use super::error::{Fault, nearest, quoted};
use super::fields::Fields;
use super::json::{Node, Value};
use super::keys::LONGEST_DELAY_MS;
use super::network::Sites;
use crate::fault::Target;
use crate::ids::NodeId;

/// Milliseconds from one site to another.
pub(super) type SiteTimes = BTreeMap<(String, String), f64>;

/// The named groups of replicas, none in two.
pub(super) fn read(top: &Fields, replicas: usize) -> Result<Sites, Fault> {
    let mut sites = Sites::new();
    let Some(node) = top.node("sites") else { return Ok(sites) };
    let Value::Object(members) = &node.value else {
        return Err(top.wrong_type("sites", &node.value));
    };
    for member in members {
        let rest = format!(".{}", member.name);
        let refuse =
            |at: &Node, problem: String| Err(top.fault_within("sites", &rest, at, problem));
        if member.name == "*" || member.name.parse::<Target>().is_ok() || member.name.is_empty() {
            let wrong = format!("{} cannot name a site: it means something", quoted(&member.name));
            return refuse(
                &member.node,
                format!("{wrong}; choose a name that is no id and no role"),
            );
        }
        let Value::List(items) = &member.node.value else {
            let found = member.node.value.describe();
            return refuse(&member.node, format!("{found} is no list; allowed: a list of ids"));
        };
        let mut ids = Vec::new();
        for item in items {
            let id = match &item.value {
                Value::Text(text) => text.parse().ok().filter(|&id| is_replica(id, replicas)),
                _ => None,
            };
            let Some(id) = id else {
                let found = item.value.describe();
                return refuse(item, format!("{found} is no replica; {}", allowed_ids(replicas)));
            };
            if ids.contains(&id) || sites.values().any(|others| others.contains(&id)) {
                let problem = format!("{id} stands in a site already; name each replica once");
                return refuse(item, problem);
            }
            ids.push(id);
        }
        ids.sort_unstable();
        sites.insert(member.name.clone(), ids);
    }
    Ok(sites)
}

fn is_replica(id: NodeId, replicas: usize) -> bool {
    id.is_one_of(replicas)
}

fn allowed_ids(replicas: usize) -> String {
    format!("allowed: ids from 0000 to {}", NodeId::replica(replicas - 1))
}

fn unknown_node(text: &str, replicas: usize, sites: &Sites, takes_roles: bool) -> String {
    let names: Vec<&str> = sites.keys().map(String::as_str).collect();
    let roles: Vec<&str> = Target::ROLES.iter().map(|(name, _)| *name).collect();
    let roles = if takes_roles { roles } else { Vec::new() };
    let near = nearest(text, names.iter().chain(&roles).copied());
    let remedy = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
    let of_sites = match names.as_slice() {
        [] => "no site is named under `sites`".to_owned(),
        names => format!("the sites \"{}\"", names.join("\", \"")),
    };
    let (neither, of_roles) = if takes_roles {
        ("neither a replica, a role", format!("; the roles \"{}\"", roles.join("\", \"")))
    } else {
        ("neither a replica", String::new())
    };
    format!(
        "{} is {neither} nor a site; {}, `*`{of_roles}; {of_sites}{remedy}",
        quoted(text),
        allowed_ids(replicas)
    )
}

impl Fields<'_> {
    /// The replicas that this key names, in the order of ids, then the roles; without it, all.
    pub(super) fn nodes(
        &self,
        name: &str,
        replicas: usize,
        sites: &Sites,
        takes_roles: bool,
    ) -> Result<Vec<Target>, Fault> {
        let all = || (0..replicas).map(NodeId::replica).map(Target::Id);
        let Some(node) = self.node(name) else { return Ok(all().collect()) };
        let one = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) if !items.is_empty() => items.as_slice(),
            _ => one,
        };
        let mut named: Vec<Target> = Vec::new();
        for item in items {
            let Value::Text(text) = &item.value else {
                return Err(self.wrong_type(name, &item.value));
            };
            let known = text.parse().ok().filter(|target| match target {
                Target::Id(id) => is_replica(*id, replicas),
                _ => takes_roles,
            });
            match (sites.get(text), known) {
                _ if text == "*" => named.extend(all()),
                (Some(members), _) => named.extend(members.iter().copied().map(Target::Id)),
                (None, Some(target)) => named.push(target),
                (None, None) => {
                    let problem = unknown_node(text, replicas, sites, takes_roles);
                    return Err(self.fault_within(name, "", item, problem));
                }
            }
        }
        named.sort_unstable();
        named.dedup();
        Ok(named)
    }

    /// The times between sites, in milliseconds.
    pub(super) fn matrix(&self, name: &str, sites: &Sites) -> Result<Option<SiteTimes>, Fault> {
        let Some(node) = self.node(name) else { return Ok(None) };
        let known = |rest: &str, at: &Node, site: &str| {
            if sites.contains_key(site) {
                return Ok(());
            }
            let names: Vec<&str> = sites.keys().map(String::as_str).collect();
            let allowed = match names.as_slice() {
                [] => "name sites under `sites` first".to_owned(),
                names => format!("allowed: \"{}\"", names.join("\", \"")),
            };
            let problem = format!("{} is no site; {allowed}", quoted(site));
            Err(self.fault_within(name, rest, at, problem))
        };
        let Value::Object(rows) = &node.value else {
            return Err(self.wrong_type(name, &node.value));
        };
        let mut times = BTreeMap::new();
        for row in rows {
            let rest = format!(".{}", row.name);
            known(&rest, &row.node, &row.name)?;
            let Value::Object(cells) = &row.node.value else {
                let problem = format!(
                    "{} is no object; allowed: a number of milliseconds for each site",
                    row.node.value.describe()
                );
                return Err(self.fault_within(name, &rest, &row.node, problem));
            };
            for cell in cells {
                let rest = format!("{rest}.{}", cell.name);
                known(&rest, &cell.node, &cell.name)?;
                let ms = match &cell.node.value {
                    Value::Number(text) => text.parse::<f64>().ok(),
                    _ => None,
                };
                let Some(ms) = ms.filter(|ms| (0.0..=LONGEST_DELAY_MS).contains(ms)) else {
                    let found = cell.node.value.describe();
                    let allowed = "allowed: milliseconds, from 0 to 600,000";
                    let problem = format!("{found} is no time; {allowed}");
                    return Err(self.fault_within(name, &rest, &cell.node, problem));
                };
                times.insert((row.name.clone(), cell.name.clone()), ms);
            }
        }
        Ok(Some(times))
    }
}
