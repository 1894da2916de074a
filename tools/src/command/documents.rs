//! `sealog completions` and `sealog man`: made from the command line's own words.

use super::print;
use crate::cli::{Cli, Completions};
use crate::failure::{Failure, Outcome};
use clap::CommandFactory;
use std::io;

pub fn completions(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sealog", &mut script);
    print(&script)
}

/// One page for the command and a section for each subcommand.
pub fn manual() -> Outcome {
    let mut page = Vec::new();
    render(&mut page).map_err(|error| Failure::output(&error))?;
    print(&page)
}

fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_options_section(page)?;
    }
    Ok(())
}
